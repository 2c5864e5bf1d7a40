import type { DeleteInPieces, Piece } from "../delete-in-pieces.ts";
import type { Sql } from "../postgres.ts";
import type { ChangePosition } from "../reads/changes.ts";

/** How long what was odd about events is kept. */
const INGEST_NOTES_DAYS = 30;
/** How long a disconnected live reader can still resume without a gap. */
const CHANGE_LOG_HOURS = 24;
/** Longer than any job that is done stays in the archive (30 days, in partitions of a day), with days to spare. */
export const BLOB_DAYS = 35;
/** From a job's last blob to its end. */
const JOB_END_DAYS = 1;
const HOURS_PER_DAY = 24;

/** Tables whose rows are kept for a time only. */
export const KEPT_HOURS = {
  ingest_notes: INGEST_NOTES_DAYS * HOURS_PER_DAY,
  change_log: CHANGE_LOG_HOURS,
} as const;
export type PrunedTable = keyof typeof KEPT_HOURS;
export const PRUNED_TABLES: readonly PrunedTable[] = ["ingest_notes", "change_log"];

/** Deletes all rows of the table that were kept for its time, until none is left or the signal aborts. */
export async function prune(
  deleteInPieces: DeleteInPieces,
  table: PrunedTable,
  signal?: AbortSignal,
): Promise<void> {
  const olderThan = { ingest_notes: notesOlderThan, change_log: changesOlderThan }[table];
  await deleteInPieces(olderThan(KEPT_HOURS[table]), { signal });
}

/** Oldest first, each statement from where the one before ended: else it would walk over all that was deleted and not yet vacuumed. */
function notesOlderThan(hours: number): Piece {
  let deletedUntil = "-infinity";
  return async (sql, rowsMax) => {
    const [piece] = await sql<{ rows: number; deleted_until: string }[]>`
      WITH deleted AS (
        DELETE FROM ingest_notes WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM ingest_notes
          WHERE created_at < now() - make_interval(hours => ${hours}) AND created_at >= (${deletedUntil}::text)::timestamptz
          ORDER BY created_at LIMIT ${rowsMax}
        ))
        RETURNING created_at
      )
      SELECT count(*)::int AS rows, max(created_at)::text AS deleted_until FROM deleted`;
    deletedUntil = piece?.deleted_until ?? deletedUntil;
    return piece?.rows ?? 0;
  };
}

/**
 * In the order in which they are read, up to the first that is younger: a reader whose row is there has missed nothing. The last row
 * stays, so that a reader of a quiet hub finds its own.
 */
function changesOlderThan(hours: number): Piece {
  let after: ChangePosition = { xid: "0", position: "0" };
  return async (sql, rowsMax) => {
    const [piece] = await sql<{ rows: number; xid: string | null; position: string | null }[]>`
      WITH first AS MATERIALIZED (
        SELECT ctid AS place, xid, position, created_at < now() - make_interval(hours => ${hours}) AS is_old
        FROM change_log
        WHERE (xid, position) > (${after.xid}::text::xid8, ${after.position}::text::bigint)
          AND (xid, position) < (SELECT xid, position FROM change_log ORDER BY xid DESC, position DESC LIMIT 1)
          AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY xid, position LIMIT ${rowsMax}
      ),
      old AS (SELECT place, bool_and(is_old) OVER (ORDER BY xid, position) AS is_before_younger FROM first),
      deleted AS (
        DELETE FROM change_log WHERE ctid = ANY (ARRAY(SELECT place FROM old WHERE is_before_younger)) RETURNING xid, position
      ),
      last AS (SELECT xid, position FROM deleted ORDER BY xid DESC, position DESC LIMIT 1)
      SELECT (SELECT count(*)::int FROM deleted) AS rows, last.xid::text, last.position::text FROM (SELECT) one LEFT JOIN last ON true`;
    const { rows = 0, xid = null, position = null } = piece ?? {};
    if (xid !== null && position !== null) after = { xid, position };
    return rows;
  };
}

/**
 * Whether blobs not stored again for BLOB_DAYS belong to no job any more. Jobs alone refer to blobs, and put theirs just before
 * they end, so it is enough that none which ended before is left. Partitions of younger days are not read.
 */
export async function areOldBlobsOrphans(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ has_old_jobs: boolean }[]>`
    SELECT EXISTS (
      SELECT FROM jobs_archive WHERE completed_at < now() - make_interval(days => ${BLOB_DAYS - JOB_END_DAYS})
    ) AS has_old_jobs`;
  return row?.has_old_jobs === false;
}
