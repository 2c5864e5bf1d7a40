import type { At, Driver } from "../contract/driver.ts";
import { JobDatabaseTimeoutError } from "../contract/errors.ts";
import type { ScheduleRecord } from "../contract/schedule-store.ts";
import { failureOf } from "./failure.ts";
import type { Schedule } from "./schedule.ts";
import { verdictOn } from "./write-errors.ts";

export type OnScheduleError = (schedule: string, error: unknown) => void;

export type Scheduler = {
  fireDue(at?: At): Promise<string[]>;
  failing(): Record<string, string>;
};

/**
 * Enqueues the ticks of due schedules, by the store's clock. Any number of processes may do so: one statement enqueues a tick
 * and advances the schedule, if the schedule has not changed since it was read. A schedule whose input throws, or whose jobs
 * the store rejects, is reported to `onError` and stays due; other schedules are not affected.
 */
export function createScheduler(
  driver: Driver,
  schedules: readonly Schedule[],
  onError: OnScheduleError = rethrow,
): Scheduler {
  const byName = new Map(schedules.map((schedule) => [schedule.name, schedule]));
  /** The last error of each schedule, by name. */
  const failing = new Map<string, string>();
  let isDeclared = false;

  /** Returns the ids of the jobs that this call enqueued. */
  async function fireDue(at?: At): Promise<string[]> {
    if (byName.size === 0) return [];
    const { now, schedules: records } = await driver.schedules([...byName.keys()], at);
    await declare(new Map(records.map((record) => [record.name, record])), new Date(now), at);
    const enqueued: string[] = [];
    for (const record of records) {
      const schedule = byName.get(record.name);
      if (schedule === undefined || !isSame(schedule, record) || new Date(record.nextAt) > new Date(now))
        continue;
      const moved = await alone(record.name, () => move(schedule, record, new Date(now), at));
      enqueued.push(...(moved ?? []));
    }
    return enqueued;
  }

  /** Handles one schedule. An unavailable database stops the check of all. */
  async function alone<T>(name: string, act: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await act();
      failing.delete(name);
      return result;
    } catch (error) {
      if (verdictOn(error) === "away" || error instanceof JobDatabaseTimeoutError) throw error;
      failing.set(name, failureOf(error).text);
      onError(name, error);
      return undefined;
    }
  }

  /**
   * Stores missing schedules. Only the first call replaces differing ones: of two concurrent versions of a program, the one that
   * started last decides.
   */
  async function declare(known: ReadonlyMap<string, ScheduleRecord>, now: Date, at: At | undefined) {
    for (const schedule of byName.values()) {
      const record = known.get(schedule.name);
      if (record !== undefined && (isDeclared || isSame(schedule, record))) continue;
      await alone(schedule.name, () => put(schedule, now, at));
    }
    isDeclared = true;
  }

  async function put(schedule: Schedule, now: Date, at: At | undefined) {
    const { name, cron, timeZone } = schedule;
    await driver.putSchedule({ name, cron, timeZone, nextAt: schedule.next(now).toISOString() }, at);
  }

  async function move(schedule: Schedule, from: ScheduleRecord, now: Date, at: At | undefined) {
    const { run, latest } = schedule.due(new Date(from.nextAt), now);
    const jobs = run.map(schedule.toNewJob);
    const nextAt = schedule.next(now).toISOString();
    return driver.moveSchedule({ from, nextAt, lastAt: latest.toISOString(), jobs }, at);
  }

  return { fireDue, failing: () => Object.fromEntries(failing) };
}

function isSame(schedule: Schedule, record: ScheduleRecord): boolean {
  return schedule.cron === record.cron && schedule.timeZone === record.timeZone;
}

function rethrow(_schedule: string, error: unknown): never {
  throw error;
}
