import {
  type HandOverRequest,
  MAX_ATTEMPTS_DEFAULT,
  type NewJob,
  type PostgresClient,
} from "../../../contract/driver.ts";
import { type Instant, instantText } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { isOpen } from "./pause-queue.ts";

/**
 * Stores one job that is already running under the caller's lease: no claim, no notification. It is the job's first lease, so
 * handed-over jobs may share one token. No row: the queue is paused.
 */
export function handOverJob(
  sql: PostgresClient,
  job: NewJob,
  request: HandOverRequest,
  at: Instant | undefined,
): Query<
  {
    id: string;
  }[]
> {
  const now = at === undefined ? null : instantText(at);
  return sql<{ id: string }[]>`
    INSERT INTO jobs (queue, type, payload, priority, max_attempts, timeout_ms, status, lease_generation,
      lease_token, lease_expires_at, heartbeat_at, locked_at, locked_by, run_at, created_at, updated_at)
    SELECT ${job.queue}, ${job.type}, ${job.payload}::text::jsonb, ${job.priority ?? 0}::smallint,
      ${job.maxAttempts ?? MAX_ATTEMPTS_DEFAULT}::integer, ${job.timeoutMs ?? null}::integer, 'running', 1, ${request.token}::uuid,
      now + ${request.leaseMs}::float8 * interval '1 millisecond', now, now, ${request.workerId}, now, now, now
    FROM (SELECT COALESCE(${now}::text::timestamptz, now()) AS now) AS at
    WHERE ${isOpen(sql, job.queue)}
    RETURNING id`;
}
