import type { Database } from "bun:sqlite";
import type { NewJob } from "../../contract/driver.ts";
import { instantMicros, microsText } from "../../contract/instant.ts";
import type { NewSchedule, ScheduleMove, ScheduleRecord } from "../../contract/schedule-store.ts";
import { type Bindings, listText } from "./bindings.ts";
import { isoText } from "./times.ts";

type ScheduleRow = {
  readonly name: string;
  readonly cron: string;
  readonly time_zone: string;
  readonly next_at: string;
  readonly last_at: string | null;
};

export type Schedules = {
  read: (
    names: readonly string[],
    now: bigint,
  ) => {
    now: string;
    schedules: ScheduleRecord[];
  };
  all(): ScheduleRecord[];
  put({ name, cron, timeZone, nextAt }: NewSchedule): void;
  move({ from, nextAt, lastAt, jobs }: ScheduleMove, now: bigint): string[] | undefined;
  remove(name: string): boolean;
};

/** Schedules by their names; `enqueue` stores the jobs of a tick. */
export function createSchedules(
  db: Database,
  enqueue: (job: NewJob, now: bigint) => { id: string },
): Schedules {
  const select = db.prepare<ScheduleRow, Bindings>(`
    SELECT name, cron, time_zone, ${isoText("next_at")}, ${isoText("last_at")} FROM job_schedules
    WHERE name IN (SELECT value FROM json_each($names))`);
  const selectAll = db.prepare<ScheduleRow, Bindings>(`
    SELECT name, cron, time_zone, ${isoText("next_at")}, ${isoText("last_at")} FROM job_schedules WHERE name > '' ORDER BY name`);
  const upsert = db.prepare<unknown, Bindings>(`
    INSERT INTO job_schedules (name, cron, time_zone, next_at) VALUES ($name, $cron, $timeZone, $nextAt)
    ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, time_zone = excluded.time_zone, next_at = excluded.next_at
    WHERE (cron, time_zone) <> (excluded.cron, excluded.time_zone)`);
  const advance = db.prepare<unknown, Bindings>(`
    UPDATE job_schedules SET next_at = $nextAt, last_at = $lastAt
    WHERE name = $name AND cron = $cron AND time_zone = $timeZone AND next_at = $fromNextAt`);
  const remove = db.prepare<unknown, Bindings>("DELETE FROM job_schedules WHERE name = $name");

  function read(names: readonly string[], now: bigint) {
    return { now: microsText(now), schedules: select.all({ names: listText(names) }).map(toSchedule) };
  }

  function put({ name, cron, timeZone, nextAt }: NewSchedule): void {
    upsert.run({ name, cron, timeZone, nextAt: instantMicros(nextAt) });
  }

  /** Undefined: it has changed since it was read. */
  function move({ from, nextAt, lastAt, jobs }: ScheduleMove, now: bigint): string[] | undefined {
    const { changes } = advance.run({
      name: from.name,
      cron: from.cron,
      timeZone: from.timeZone,
      fromNextAt: instantMicros(from.nextAt),
      nextAt: instantMicros(nextAt),
      lastAt: instantMicros(lastAt),
    });
    return changes === 0 ? undefined : jobs.map((job) => enqueue(job, now).id);
  }

  return {
    read,
    all: () => selectAll.all({}).map(toSchedule),
    put,
    move,
    remove: (name: string) => remove.run({ name }).changes > 0,
  };
}

function toSchedule(row: ScheduleRow): ScheduleRecord {
  const { name, cron, time_zone: timeZone, next_at: nextAt, last_at: lastAt } = row;
  return { name, cron, timeZone, nextAt, lastAt };
}
