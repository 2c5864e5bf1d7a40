import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import { timeOf } from "./fragments.ts";

const FORGET_BATCH = 20_000;

/**
 * Deletes steps, log lines and ended attempts older than a number of days whose job is neither stored nor archived. Each job is
 * looked up by its id (scalar subqueries): with NOT EXISTS over both tables the planner read the whole archive.
 */
export async function forgetOrphans(
  sql: PostgresClient,
  keepDays: number,
  now: Instant | undefined,
): Promise<void> {
  const orphaned = (ageColumn: string) => sql`
    ${sql.unsafe(ageColumn)} < ${timeOf(sql, now)} - ${keepDays}::integer * interval '1 day'
    AND (SELECT id FROM jobs WHERE id = job_id) IS NULL
    AND (SELECT id FROM jobs_archive WHERE id = job_id LIMIT 1) IS NULL LIMIT ${FORGET_BATCH}`;
  await sql`DELETE FROM job_steps WHERE ctid = ANY (ARRAY(SELECT ctid FROM job_steps WHERE ${orphaned("created_at")}))`;
  await sql`DELETE FROM job_logs WHERE ctid = ANY (ARRAY(SELECT ctid FROM job_logs WHERE ${orphaned("logged_at")}))`;
  await sql`DELETE FROM job_attempts WHERE ctid = ANY (ARRAY(SELECT ctid FROM job_attempts WHERE ${orphaned("ended_at")}))`;
}

/** Deletes events after their retention, and schedules that no process has advanced for that time. */
export async function forgetEvents(
  sql: PostgresClient,
  keepDays: number,
  now: Instant | undefined,
): Promise<void> {
  const age = sql`${timeOf(sql, now)} - ${keepDays}::integer * interval '1 day'`;
  await sql`DELETE FROM job_events WHERE created_at < ${age} AND NOT needs_match`;
  await sql`DELETE FROM job_schedules WHERE next_at < ${age}`;
}
