import type { JobStatus, Lease, PostgresClient } from "../../contract/driver.ts";
import {
  JobNotInflightError,
  LeaseExpiredError,
  LeaseMismatchError,
  type LeaseRefusal,
} from "../../contract/errors.ts";
import type { Instant } from "../../contract/instant.ts";
import { leaseStates } from "./sql/lease-states.ts";

/** Finds why leases were rejected; jobs in an accepted state count as an earlier success. */
export async function explainRefusals(
  sql: PostgresClient,
  leases: readonly Lease[],
  context: { now: Instant | undefined; accepted: readonly JobStatus[] },
): Promise<LeaseRefusal[]> {
  const ids = leases.map((lease) => lease.jobId);
  const states = new Map((await leaseStates(sql, ids, context.now)).map((row) => [row.id, row]));
  return leases.flatMap(({ jobId }) => {
    const state = states.get(jobId);
    if (state !== undefined && context.accepted.includes(state.status)) return [];
    if (state?.status !== "running") return [{ jobId, error: new JobNotInflightError(jobId) }];
    return [{ jobId, error: state.expired ? new LeaseExpiredError(jobId) : new LeaseMismatchError(jobId) }];
  });
}

/** Throws the reason of a rejected lease, unless the job is in an accepted state. */
export async function refuse(
  sql: PostgresClient,
  lease: Lease,
  now: Instant | undefined,
  accepted: readonly JobStatus[] = [],
): Promise<void> {
  const [refusal] = await explainRefusals(sql, [lease], { now, accepted });
  if (refusal !== undefined) throw refusal.error;
}
