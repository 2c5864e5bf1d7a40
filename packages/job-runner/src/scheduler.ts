import type { At, Driver } from "./drivers/driver.ts";
import type { ScheduleRecord } from "./drivers/schedule-store.ts";
import type { Schedule } from "./schedule.ts";

/**
 * Enqueues the ticks of the schedules that are due, by the store's clock. Any number of processes may do so: a tick is
 * moved over and enqueued in one statement, and only by who finds it as it was read.
 */
export function createScheduler(driver: Driver, schedules: readonly Schedule[]) {
  const byName = new Map(schedules.map((schedule) => [schedule.name, schedule]));
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
      enqueued.push(...((await move(schedule, record, new Date(now), at)) ?? []));
    }
    return enqueued;
  }

  /**
   * Stores what is missing. What differs is replaced by the first call alone: of two versions of a program that run at
   * the same time, the one that started last decides, and the other one leaves the schedule alone.
   */
  async function declare(known: ReadonlyMap<string, ScheduleRecord>, now: Date, at: At | undefined) {
    for (const schedule of byName.values()) {
      const record = known.get(schedule.name);
      if (record !== undefined && (isDeclared || isSame(schedule, record))) continue;
      const { name, cron, timeZone } = schedule;
      await driver.putSchedule({ name, cron, timeZone, nextAt: schedule.next(now).toISOString() }, at);
    }
    isDeclared = true;
  }

  function move(schedule: Schedule, from: ScheduleRecord, now: Date, at: At | undefined) {
    const { run, latest } = schedule.due(new Date(from.nextAt), now);
    const jobs = run.map(schedule.toNewJob);
    const nextAt = schedule.next(now).toISOString();
    return driver.moveSchedule({ from, nextAt, lastAt: latest.toISOString(), jobs }, at);
  }

  return { fireDue };
}

function isSame(schedule: Schedule, record: ScheduleRecord): boolean {
  return schedule.cron === record.cron && schedule.timeZone === record.timeZone;
}
