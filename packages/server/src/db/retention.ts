import type { Sql } from "./postgres.ts";

/** How long what was odd about events is kept. */
export const INGEST_NOTES_DAYS = 30;
/** How long a live reader may have been away and still go on without a gap. */
export const CHANGE_LOG_HOURS = 24;
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
