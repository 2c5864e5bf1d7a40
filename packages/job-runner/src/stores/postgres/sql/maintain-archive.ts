import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Fragment } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

const PARTITION_DAYS_AHEAD = 3;

/** Creates the partitions of the next days and drops those after the retention. */
export function maintainArchive(sql: PostgresClient, archiveDays: number): Fragment {
  return sql`SELECT jobs_archive_maintain(${archiveDays}::integer, ${PARTITION_DAYS_AHEAD}::integer)`;
}

/** Deletes idempotency keys after their retention. */
export function forgetIdempotencyKeys(
  sql: PostgresClient,
  keepDays: number,
  now: Instant | undefined,
): Fragment {
  return sql`DELETE FROM job_idempotency_keys
    WHERE created_at < ${timeOf(sql, now)} - ${keepDays}::integer * interval '1 day'`;
}
