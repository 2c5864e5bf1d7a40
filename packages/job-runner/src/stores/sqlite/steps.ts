import type { Changes, Database } from "bun:sqlite";
import type { Lease } from "../../contract/driver.ts";
import type { FinishedStep, NewWait, StepRecord } from "../../contract/durable-store.ts";
import { instantMicros } from "../../contract/instant.ts";
import type { Bindings } from "./bindings.ts";
import { LEASE_ENDED, UNLOCKED } from "./leases.ts";
import { isoText, millisecondsInMicros, NEVER } from "./times.ts";

type StepRow = {
  readonly name: string;
  readonly kind: StepRecord["kind"];
  readonly output: string | null;
  readonly finished_at: string | null;
  readonly wake_at: string | null;
  readonly event_name: string | null;
  readonly event_key: string | null;
  readonly event_id: string | null;
  readonly created_at: string;
};

export type Steps = {
  save({ jobId }: Lease, { name, output }: FinishedStep, now: bigint): void;
  suspend({ jobId }: Lease, waits: readonly NewWait[], now: bigint): number | null;
  /** Ends due sleeps and waits. */
  endDue(jobId: string, now: bigint): Changes;
  byName(jobId: string): StepRecord[];
  byAge(jobId: string): StepRecord[];
};

/** Steps and waits of jobs. The caller checks the lease in the same transaction. */
export function createSteps(db: Database): Steps {
  const columns = `name, kind, output, ${isoText("finished_at")}, ${isoText("wake_at")}, event_name, event_key,
    CAST(event_id AS TEXT) AS event_id, ${isoText("created_at")}`;
  const byName = db.prepare<StepRow, Bindings>(`
    SELECT ${columns} FROM job_steps WHERE job_id = $jobId ORDER BY name`);
  const byAge = db.prepare<StepRow, Bindings>(`
    SELECT ${columns} FROM job_steps WHERE job_id = $jobId ORDER BY job_steps.created_at, name`);
  const endDue = db.prepare<unknown, Bindings>(`
    UPDATE job_steps SET finished_at = $now, needs_match = 0
    WHERE job_id = $jobId AND finished_at IS NULL AND wake_at <= $now`);
  const insertStep = db.prepare<unknown, Bindings>(`
    INSERT INTO job_steps (job_id, kind, name, output, created_at, finished_at)
    VALUES ($jobId, 'step', $name, $output, $now, $now)
    ON CONFLICT (job_id, name) DO UPDATE SET output = excluded.output, finished_at = excluded.finished_at`);
  const insertWait = db.prepare<unknown, Bindings>(`
    INSERT INTO job_steps (job_id, kind, name, event_name, event_key, job_created_at, needs_match, wake_at, created_at)
    SELECT id, $kind, $name, $eventName, $eventKey, created_at, $kind = 'event', $wakeAt, $now FROM jobs WHERE id = $jobId
    ON CONFLICT (job_id, name) DO NOTHING`);
  const queue = db.prepare<{ wake_in_ms: number | null }, Bindings>(`
    UPDATE jobs SET status = 'queued', ${LEASE_ENDED}, ${UNLOCKED}, run_at = coalesce((
        SELECT max(min(due), $now) FROM (
          SELECT iif(finished_at IS NULL, wake_at, 0) AS due FROM job_steps
          WHERE job_id = $jobId AND name IN (SELECT value FROM json_each($names)))), ${NEVER})
    WHERE id = $jobId
    RETURNING CASE run_at WHEN ${NEVER} THEN NULL ELSE (run_at - $now) / 1000.0 END AS wake_in_ms`);

  function save({ jobId }: Lease, { name, output }: FinishedStep, now: bigint): void {
    insertStep.run({ jobId, name, output: output ?? null, now });
  }

  /** Stores the waits and queues the job until the first of them ends; null: none has a time. */
  function suspend({ jobId }: Lease, waits: readonly NewWait[], now: bigint): number | null {
    for (const wait of waits) insertWait.run({ jobId, now, ...waitColumns(wait, now) });
    const names = JSON.stringify(waits.map(({ name }) => name));
    return queue.get({ jobId, names, now })?.wake_in_ms ?? null;
  }

  return {
    save,
    suspend,
    /** Ends due sleeps and waits. */
    endDue: (jobId: string, now: bigint) => endDue.run({ jobId, now }),
    byName: (jobId: string) => byName.all({ jobId }).map(toStep),
    byAge: (jobId: string) => byAge.all({ jobId }).map(toStep),
  };
}

function waitColumns({ name, event, forMs, until }: NewWait, now: bigint): Bindings {
  const end = until === undefined ? NEVER : instantMicros(until);
  return {
    name,
    kind: event === undefined ? "sleep" : "event",
    eventName: event?.name ?? null,
    eventKey: event?.key ?? null,
    wakeAt: forMs === undefined ? end : now + millisecondsInMicros(forMs),
  };
}

function toStep(row: StepRow): StepRecord {
  const { event_name: name, event_key: key } = row;
  return {
    name: row.name,
    kind: row.kind,
    finishedAt: row.finished_at,
    output: row.output === null ? undefined : JSON.parse(row.output),
    wakeAt: row.wake_at,
    event: name === null || key === null ? null : { name, key },
    eventId: row.event_id,
    createdAt: row.created_at,
  };
}
