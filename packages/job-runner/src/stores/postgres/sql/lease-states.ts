import type { JobStatus, PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { idArray, timeOf } from "./fragments.ts";

/** Why leases were rejected: the state of each stored or archived job. */
export function leaseStates(
  sql: PostgresClient,
  ids: readonly string[],
  now: Instant | undefined,
): Query<
  {
    id: string;
    status: JobStatus;
    expired: boolean | null;
  }[]
> {
  return sql<{ id: string; status: JobStatus; expired: boolean | null }[]>`
    SELECT id, status, lease_expires_at <= ${timeOf(sql, now)} AS expired
    FROM all_jobs WHERE id = ANY (${idArray(ids)}::bigint[])`;
}
