import type { Fragment, Sql } from "../../postgres.ts";

/**
 * The files that a session's facts come from: those of its own device; without any, those of the device with the smallest id. Those of
 * others would state the same again, or what is not so.
 */
export function ownFiles(sql: Sql, session_id: string | Fragment): Fragment {
  return sql`
    SELECT * FROM (
      SELECT held.*, held.device_id = owner.device_id AS is_own,
        dense_rank() OVER (ORDER BY held.device_id <> owner.device_id, held.device_id) AS device_rank
      FROM transcript_files held JOIN sessions owner ON owner.id = held.session_id WHERE held.session_id = ${session_id}
    ) ranked WHERE device_rank = 1`;
}

/** A filter, so that rows are still read in the order of an index. */
export function isOfOwnFiles(sql: Sql, session_id: string | Fragment, file_id: Fragment): Fragment {
  return sql`(${file_id} IN (SELECT id FROM (${ownFiles(sql, session_id)}) own)) IS TRUE`;
}
