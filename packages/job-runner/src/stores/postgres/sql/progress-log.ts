import type { Lease, PostgresClient } from "../../../contract/driver.ts";
import { type JobProgress, LOG_LINES_MAX, type NewLogLine } from "../../../contract/durable-store.ts";
import type { Instant } from "../../../contract/instant.ts";
import { storableJson } from "../../../contract/storable-json.ts";
import type { Query } from "./fragments.ts";
import { isoText, timeOf } from "./fragments.ts";
import { heldJob } from "./held-job.ts";

export type LogRow = {
  readonly line: number;
  readonly level: NewLogLine["level"];
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
  readonly logged_at: string;
};

/** Stores the progress of a job; no row: the lease is not valid. */
export function setProgress(
  sql: PostgresClient,
  lease: Lease,
  progress: JobProgress,
  now: Instant | undefined,
): Query<
  {
    id: string;
  }[]
> {
  const at = timeOf(sql, now);
  return sql<{ id: string }[]>`
    UPDATE jobs SET progress = ${storableJson(progress)}::text::jsonb, updated_at = ${at}
    WHERE id = ${lease.jobId}::bigint AND lease_token = ${lease.token}::uuid AND lease_expires_at > ${at}
    RETURNING id`;
}

/** Appends to the job's log up to its limit; no row: the lease is not valid. */
export function appendLog(
  sql: PostgresClient,
  lease: Lease,
  lines: readonly NewLogLine[],
  now: Instant | undefined,
): Query<
  {
    id: string;
  }[]
> {
  return sql<{ id: string }[]>`
    WITH held AS MATERIALIZED (${heldJob(sql, lease, now)}),
    last AS (SELECT COALESCE(max(line), 0) AS line FROM job_logs WHERE job_id = ${lease.jobId}::bigint),
    appended AS (
      INSERT INTO job_logs (job_id, line, level, message, fields, logged_at)
      SELECT held.id, last.line + new.position, new.l, new.m, new.f, new.t::timestamptz
      FROM held, last, ROWS FROM (
        json_to_recordset(${storableJson(lines.map(toRecord))}::text::json) AS (l text, m text, f jsonb, t text)
      ) WITH ORDINALITY AS new(l, m, f, t, position)
      WHERE last.line + new.position <= ${LOG_LINES_MAX}
    )
    SELECT id FROM held`;
}

export function selectLog(
  sql: PostgresClient,
  jobId: string,
  page: { readonly limit: number; readonly after?: number },
): Query<LogRow[]> {
  return sql<LogRow[]>`
    SELECT line, level, message, fields, ${isoText(sql, "logged_at")} FROM job_logs
    WHERE job_id = ${jobId}::bigint AND line > ${page.after ?? 0}::integer ORDER BY line LIMIT ${page.limit}::integer`;
}

function toRecord({ level, message, fields, loggedAt }: NewLogLine) {
  return { l: level, m: message, f: fields ?? undefined, t: loggedAt };
}
