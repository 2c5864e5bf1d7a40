import { until } from "@wharf/testkit";
import { job, LEASE_MS, present } from "../../conformance/setup.ts";
import type { Driver, FailureKind, Lease, NewJob } from "../../contract/driver.ts";
import type { Situation } from "./page.ts";

export async function queued(driver: Driver, fields: Partial<NewJob> = {}): Promise<string> {
  const [enqueued] = await driver.enqueue([job(fields)]);
  return present(enqueued).id;
}

export async function claim(driver: Driver, workerId = "w1") {
  return (await driver.reserve({ queue: "default", workerId, leaseMs: LEASE_MS, limit: 10 })).jobs;
}

/** The ids of the next claim that brings any. What was put back or ended by hand is found within a few claims, not always by the first. */
export async function nextClaimed(driver: Driver, workerId = "w1"): Promise<string[]> {
  const jobs = await until(async () => {
    const claimed = await claim(driver, workerId);
    return claimed.length > 0 && claimed;
  });
  return jobs.map(({ jobId }) => jobId);
}

/** A running job, by the database's clock. */
export async function running(driver: Driver, fields: Partial<NewJob> = {}, workerId = "w1"): Promise<Lease> {
  const id = await queued(driver, fields);
  const jobs = await claim(driver, workerId);
  return present(jobs.find(({ jobId }) => jobId === id));
}

export async function dead(
  driver: Driver,
  fields: Partial<NewJob> = {},
  kind: FailureKind = "attempts_exhausted",
) {
  const lease = await running(driver, fields);
  await driver.fail(lease, { error: "connection refused", kind });
  return lease.jobId;
}

export async function completed(driver: Driver): Promise<string> {
  const lease = await running(driver);
  await driver.ack([lease]);
  return lease.jobId;
}

/** The error for the holder of the lease when it completes the job; undefined: none. */
export async function refusalOf(driver: Driver, lease: Lease): Promise<string | undefined> {
  const [refusal] = await driver.ack([lease]);
  return refusal?.error.code;
}

export async function heldKeys({ sql }: Situation): Promise<number> {
  return (await sql`SELECT FROM durably_concurrency_locks`).length;
}

/** Moves a running job's clock back, as if it had begun so long ago and its worker had been silent since. */
export async function age({ sql }: Situation, jobId: string, interval: string): Promise<void> {
  await sql`UPDATE jobs SET locked_at = locked_at - ${interval}::interval, heartbeat_at = heartbeat_at - ${interval}::interval,
    lease_expires_at = lease_expires_at - ${interval}::interval WHERE id = ${jobId}`;
}
