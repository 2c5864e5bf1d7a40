import type { Lease, PostgresClient } from "../../../contract/driver.ts";
import type { FinishedStep, NewWait, StepRecord } from "../../../contract/durable-store.ts";
import { type Instant, instantText } from "../../../contract/instant.ts";
import { storableJson } from "../../../contract/storable-json.ts";
import { eventOfWait } from "./event-of-wait.ts";
import type { Fragment, Query } from "./fragments.ts";
import { isoText, timeOf } from "./fragments.ts";
import { heldJob } from "./held-job.ts";

/** A row of job_steps. `output` is JSON text, which distinguishes no output from null. */
export type StepRow = {
  readonly name: string;
  readonly kind: StepRecord["kind"];
  readonly finished_at: string | null;
  readonly output: string | null;
  readonly wake_at: string | null;
  readonly event_name: string | null;
  readonly event_key: string | null;
  readonly event_id: string | null;
  readonly created_at: string;
};

/** The job's steps if the lease is valid: one row without a name if it has no steps, no row if the lease is not valid. */
export function heldSteps(
  sql: PostgresClient,
  lease: Lease,
  now: Instant | undefined,
): Query<
  (
    | StepRow
    | {
        name: null;
      }
  )[]
> {
  return sql<(StepRow | { name: null })[]>`
    SELECT ${stepColumns(sql)} FROM jobs LEFT JOIN job_steps ON job_id = jobs.id
    WHERE jobs.id = ${lease.jobId}::bigint AND lease_token = ${lease.token}::uuid AND lease_expires_at > ${timeOf(sql, now)}
    ORDER BY name`;
}

export function selectSteps(sql: PostgresClient, jobId: string): Query<StepRow[]> {
  return sql<StepRow[]>`
    SELECT ${stepColumns(sql)} FROM job_steps WHERE job_id = ${jobId}::bigint ORDER BY job_steps.created_at, name`;
}

/** Ends the job's waits for which there are events, compared before or not, and then those that are due. */
export function endWaits(sql: PostgresClient, lease: Lease, now: Instant | undefined): Fragment {
  const at = timeOf(sql, now);
  return sql`
    WITH held AS MATERIALIZED (${heldJob(sql, lease, now)}),
    ended AS MATERIALIZED (
      SELECT wait.job_id, wait.name, event.id AS event_id, event.payload
      FROM held JOIN job_steps AS wait ON wait.job_id = held.id AND wait.finished_at IS NULL
        LEFT JOIN LATERAL (${eventOfWait(sql)}) AS event ON true
      WHERE event.id IS NOT NULL OR wait.wake_at <= ${at}
    )
    UPDATE job_steps AS step
    SET finished_at = ${at}, needs_match = false, event_id = ended.event_id, output = ended.payload
    FROM ended WHERE step.job_id = ended.job_id AND step.name = ended.name AND step.finished_at IS NULL`;
}

/** Stores the result of a step; no row: the lease is not valid. */
export function saveStep(
  sql: PostgresClient,
  lease: Lease,
  step: FinishedStep,
  now: Instant | undefined,
): Query<
  {
    job_id: string;
  }[]
> {
  const at = timeOf(sql, now);
  const output = step.output ?? null;
  return sql<{ job_id: string }[]>`
    WITH held AS MATERIALIZED (${heldJob(sql, lease, now)})
    INSERT INTO job_steps (job_id, kind, name, output, created_at, finished_at)
    SELECT id, 'step', ${step.name}, ${output}::text::jsonb, ${at}, ${at} FROM held
    ON CONFLICT (job_id, name) DO UPDATE SET output = excluded.output, finished_at = excluded.finished_at
    RETURNING job_id`;
}

/**
 * Stores the waits and queues the job until the first of them ends; no row: the lease is not valid. The conflict's update
 * changes nothing, but reads the newest row: an event that was just delivered makes the job runnable.
 */
export function suspendJob(
  sql: PostgresClient,
  lease: Lease,
  waits: readonly NewWait[],
  now: Instant | undefined,
): Query<
  {
    wake_in_ms: number | null;
  }[]
> {
  const at = timeOf(sql, now);
  return sql<{ wake_in_ms: number | null }[]>`
    WITH held AS MATERIALIZED (${heldJob(sql, lease, now)}),
    wait AS (
      INSERT INTO job_steps AS known (job_id, kind, name, event_name, event_key, job_created_at, needs_match, wake_at,
        created_at)
      SELECT held.id, CASE WHEN new.e IS NULL THEN 'sleep' ELSE 'event' END, new.n, new.e, new.k, held.created_at,
        new.e IS NOT NULL, COALESCE(${at} + new.d * interval '1 millisecond', new.u::timestamptz, 'infinity'), ${at}
      FROM held, json_to_recordset(${storableJson(waits.map(toRecord))}::text::json)
        AS new(n text, e text, k text, d float8, u text)
      ORDER BY new.n
      ON CONFLICT (job_id, name) DO UPDATE SET wake_at = known.wake_at
      RETURNING CASE WHEN finished_at IS NULL THEN wake_at ELSE '-infinity' END AS wake_at
    )
    UPDATE jobs SET status = 'queued', run_at = GREATEST(due.wake_at, ${at}), lease_token = NULL, lease_expires_at = NULL,
      heartbeat_at = NULL, locked_at = NULL, locked_by = NULL, updated_at = ${at}
    FROM held, (SELECT min(wake_at) AS wake_at FROM wait) AS due
    WHERE jobs.id = held.id
    RETURNING CASE WHEN run_at < 'infinity' THEN date_part('epoch', run_at - ${at}) * 1000 END AS wake_in_ms`;
}

function toRecord(wait: NewWait) {
  return {
    n: wait.name,
    e: wait.event?.name,
    k: wait.event?.key,
    d: wait.forMs,
    u: wait.until === undefined ? undefined : instantText(wait.until),
  };
}

function stepColumns(sql: PostgresClient) {
  return sql`job_steps.name, kind, ${isoText(sql, "finished_at")}, output::text, ${isoText(sql, "wake_at")}, event_name,
    event_key, event_id, ${isoText(sql, "job_steps.created_at", "created_at")}`;
}
