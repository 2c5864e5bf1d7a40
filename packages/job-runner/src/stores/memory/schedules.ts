import { instantMicros, microsText } from "../../contract/instant.ts";
import type { NewSchedule, ScheduleRecord, ScheduleStore } from "../../contract/schedule-store.ts";
import { type MemoryStore, microsOf } from "./store.ts";

/** Schedules of the memory driver. */
export function createMemoryScheduleStore({ durable: { schedules }, store }: MemoryStore): ScheduleStore {
  return {
    async schedules(names, at) {
      const known = names.flatMap((name) => schedules.get(name) ?? []);
      return { now: microsText(microsOf(at)), schedules: known };
    },
    allSchedules: async () =>
      [...schedules.values()].sort((left, right) => (left.name < right.name ? -1 : 1)),
    async putSchedule(schedule) {
      const known = schedules.get(schedule.name);
      if (known !== undefined && isEqual(known, schedule)) return;
      schedules.set(schedule.name, {
        ...schedule,
        nextAt: isoText(schedule.nextAt),
        lastAt: known?.lastAt ?? null,
      });
    },
    async moveSchedule({ from, nextAt, lastAt, jobs }, at) {
      const known = schedules.get(from.name);
      if (known === undefined || !isEqual(known, from) || known.nextAt !== from.nextAt) return undefined;
      schedules.set(from.name, { ...known, nextAt: isoText(nextAt), lastAt: isoText(lastAt) });
      return jobs.map((job) => store(job, microsOf(at)).id);
    },
    removeSchedule: async (name) => schedules.delete(name),
  };
}

function isEqual(left: NewSchedule | ScheduleRecord, right: NewSchedule | ScheduleRecord): boolean {
  return left.cron === right.cron && left.timeZone === right.timeZone;
}

const isoText = (instant: string) => microsText(instantMicros(instant));
