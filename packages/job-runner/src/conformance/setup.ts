import type {
  Ack,
  Driver,
  JobRecord,
  Lease,
  NewJob,
  ReservedJob,
  ReserveRequest,
} from "../contract/driver.ts";
import type { Instant } from "../contract/instant.ts";
import { instantMicros, microsText } from "../contract/instant.ts";
import { storableJson } from "../contract/storable-json.ts";

export type DriverUnderTest = () => Driver;

export const NOW = "2026-03-01T12:00:00.000000Z";
export const LEASE_MS = 30_000;

/** NOW and so many milliseconds, with microseconds. */
export function later(ms: number): string {
  return microsText(instantMicros(NOW) + BigInt(Math.round(ms * 1000)));
}

/** The payload as a value. */
export type JobFields = Partial<Omit<NewJob, "payload">> & { readonly payload?: unknown };

export function job({ payload = { n: 1 }, ...fields }: JobFields = {}): NewJob {
  return { queue: "default", type: "test", payload: json(payload), ...fields };
}

export async function enqueue(driver: Driver, fields: JobFields = {}, now: Instant = NOW): Promise<string> {
  const [enqueued] = await driver.enqueue([job(fields)], { now });
  return present(enqueued).id;
}

export async function reserve(
  driver: Driver,
  now: Instant = NOW,
  fields: Partial<ReserveRequest> = {},
): Promise<ReservedJob[]> {
  const request = { queue: "default", workerId: "w1", leaseMs: LEASE_MS, limit: 10, ...fields };
  return (await driver.reserve(request, { now })).jobs;
}

/** Enqueues one job and claims it. */
export async function running(
  driver: Driver,
  fields: JobFields = {},
  now: Instant = NOW,
): Promise<ReservedJob> {
  const id = await enqueue(driver, fields, now);
  const jobs = await reserve(driver, now, { queue: fields.queue ?? "default" });
  return present(jobs.find((reserved) => reserved.jobId === id));
}

export async function ack(driver: Driver, done: Ack, now: Instant = NOW): Promise<void> {
  const [refusal] = await driver.ack([done], { now });
  if (refusal) throw refusal.error;
}

export async function extend(driver: Driver, lease: Lease, now: Instant = NOW): Promise<void> {
  const [refusal] = await driver.extend([lease], LEASE_MS, { now });
  if (refusal) throw refusal.error;
}

export async function stored(driver: Driver, jobId: string): Promise<JobRecord> {
  return present(await driver.get(jobId));
}

export function ids(jobs: readonly ReservedJob[]): string[] {
  return jobs.map((reserved) => reserved.jobId);
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("A value was expected.");
  return value;
}

/** A value as drivers are given it. */
export const json = storableJson;

export const OTHER_TOKEN = "00000000-0000-4000-8000-000000000000";
