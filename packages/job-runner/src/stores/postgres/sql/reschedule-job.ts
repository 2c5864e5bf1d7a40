import type { JobChange } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import { type Instant, instantText } from "../../../contract/instant.ts";
import { RUNNABLE_CHANNEL } from "./enqueue-jobs.ts";
import type { Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

/** Changes the time or priority of a queued job; no row: it is not queued, or waits for an event. */
export function rescheduleJob(
  sql: PostgresClient,
  jobId: string,
  change: JobChange,
  now: Instant | undefined,
): Query<
  {
    id: string;
  }[]
> {
  const runAt =
    change.runAt === undefined
      ? sql`run_at`
      : change.runAt === null
        ? timeOf(sql, now)
        : dueAt(sql, change.runAt, now);
  return sql<{ id: string }[]>`
    WITH changed AS (
      UPDATE jobs SET run_at = ${runAt}, priority = COALESCE(${change.priority ?? null}::smallint, priority),
        updated_at = ${timeOf(sql, now)}
      WHERE id = ${jobId}::bigint AND status = 'queued' AND run_at < 'infinity'
      RETURNING id, queue, run_at, updated_at
    )
    SELECT id, CASE WHEN run_at <= updated_at THEN pg_notify(${RUNNABLE_CHANNEL}, queue) END FROM changed`;
}

function dueAt(sql: PostgresClient, runAt: Instant, now: Instant | undefined) {
  return sql`GREATEST(${instantText(runAt)}::text::timestamptz, ${timeOf(sql, now)})`;
}
