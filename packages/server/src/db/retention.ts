import type { Sql } from "./postgres.ts";

/** How long what was odd about events is kept. */
export const INGEST_NOTES_DAYS = 30;
/** How long a live reader may have been away and still go on without a gap. */
export const CHANGE_LOG_HOURS = 24;
/** Longer than any job that is done stays in the archive (30 days, in partitions of a day), with days to spare. */
export const BLOB_DAYS = 35;
/** From a job's last blob to its end. */
const JOB_END_DAYS = 1;
const ROWS_PER_RUN_MAX = 100_000;

/** Deletes what is kept for a time only. */
export async function prune(sql: Sql): Promise<void> {
  await sql`
    DELETE FROM ingest_notes WHERE id IN (
      SELECT id FROM ingest_notes WHERE created_at < now() - make_interval(days => ${INGEST_NOTES_DAYS})
      ORDER BY created_at LIMIT ${ROWS_PER_RUN_MAX})`;
  await sql`
    DELETE FROM change_log WHERE position IN (
      SELECT position FROM change_log WHERE created_at < now() - make_interval(hours => ${CHANGE_LOG_HOURS})
      ORDER BY created_at LIMIT ${ROWS_PER_RUN_MAX})`;
}

/**
 * Whether blobs that nobody has put for BLOB_DAYS belong to no job any more. Jobs alone refer to blobs, and put theirs just before
 * they end, so it is enough that none which ended before is left. Partitions of younger days are not read.
 */
export async function areOldBlobsOrphans(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ has_old_jobs: boolean }[]>`
    SELECT EXISTS (
      SELECT FROM jobs_archive WHERE completed_at < now() - make_interval(days => ${BLOB_DAYS - JOB_END_DAYS})
    ) AS has_old_jobs`;
  return row?.has_old_jobs === false;
}
