import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { NewSchedule, ScheduleMove } from "../../../contract/schedule-store.ts";
import { RUNNABLE_CHANNEL, recordset, runAtColumn } from "./enqueue-jobs.ts";
import type { Fragment, Query } from "./fragments.ts";
import { isoText, textArray, timeOf } from "./fragments.ts";

export type ScheduleRow = {
  readonly name: string;
  readonly cron: string;
  readonly time_zone: string;
  readonly next_at: string;
  readonly last_at: string | null;
  readonly now: string;
};

/** The schedules with these names and the database's clock: one row with a null name if none exists. */
export function selectSchedules(
  sql: PostgresClient,
  names: readonly string[],
  now: Instant | undefined,
): Query<
  (
    | ScheduleRow
    | {
        name: null;
        now: string;
      }
  )[]
> {
  return sql<(ScheduleRow | { name: null; now: string })[]>`
    SELECT name, cron, time_zone, ${isoText(sql, "next_at")}, ${isoText(sql, "last_at")}, ${isoText(sql, "clock.now", "now")}
    FROM (SELECT ${timeOf(sql, now)} AS now) AS clock
    LEFT JOIN job_schedules ON name = ANY (${textArray(names)}::text[])`;
}

export function selectAllSchedules(sql: PostgresClient): Query<Omit<ScheduleRow, "now">[]> {
  return sql<Omit<ScheduleRow, "now">[]>`
    SELECT name, cron, time_zone, ${isoText(sql, "next_at")}, ${isoText(sql, "last_at")} FROM job_schedules ORDER BY name COLLATE "C"`;
}

/** Adds a schedule, or changes its expression; an equal one is not changed. */
export function putSchedule(sql: PostgresClient, schedule: NewSchedule, now: Instant | undefined): Fragment {
  return sql`
    INSERT INTO job_schedules AS known (name, cron, time_zone, next_at, updated_at)
    VALUES (${schedule.name}, ${schedule.cron}, ${schedule.timeZone}, ${schedule.nextAt}::text::timestamptz, ${timeOf(sql, now)})
    ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, time_zone = excluded.time_zone, next_at = excluded.next_at,
      updated_at = excluded.updated_at
    WHERE (known.cron, known.time_zone) <> (excluded.cron, excluded.time_zone)`;
}

/** Advances the schedule and enqueues the jobs of its ticks; no row without `moved`: another process was first. */
export function moveSchedule(
  sql: PostgresClient,
  move: ScheduleMove,
  now: Instant | undefined,
): Query<
  {
    ids: string[];
  }[]
> {
  const at = timeOf(sql, now);
  return sql<{ ids: string[] }[]>`
    WITH moved AS (
      UPDATE job_schedules SET next_at = ${move.nextAt}::text::timestamptz, last_at = ${move.lastAt}::text::timestamptz,
        updated_at = ${at}
      WHERE name = ${move.from.name} AND cron = ${move.from.cron} AND time_zone = ${move.from.timeZone}
        AND next_at = ${move.from.nextAt}::text::timestamptz
      RETURNING name
    ),
    stored AS (
      INSERT INTO jobs (queue, type, payload, priority, run_at, max_attempts, timeout_ms, concurrency_key,
        concurrency_limit, created_at, updated_at)
      SELECT job.q, job.t, job.p, COALESCE(job.o, 0), ${runAtColumn(sql, now)}, COALESCE(job.m, 25), job.x, job.c,
        COALESCE(job.l, 1), ${at}, ${at}
      FROM moved, ${recordset(sql, move.jobs)}
      RETURNING id, queue
    )
    SELECT ARRAY(SELECT id::text FROM stored WHERE pg_notify(${RUNNABLE_CHANNEL}, queue) IS NOT NULL ORDER BY id) AS ids
    FROM moved`;
}

export function removeSchedule(
  sql: PostgresClient,
  name: string,
): Query<
  {
    name: string;
  }[]
> {
  return sql<{ name: string }[]>`DELETE FROM job_schedules WHERE name = ${name} RETURNING name`;
}
