import type { PostgresClient } from "../../contract/driver.ts";
import type { ScheduleRecord, ScheduleStore } from "../../contract/schedule-store.ts";
import {
  moveSchedule,
  putSchedule,
  removeSchedule,
  type ScheduleRow,
  selectAllSchedules,
  selectSchedules,
} from "./sql/schedules.ts";

/** Schedules as rows: the process that advances `next_at` enqueues the tick. */
export function createPostgresScheduleStore(sql: PostgresClient): ScheduleStore {
  return {
    async schedules(names, at) {
      const rows = await selectSchedules(sql, names, at?.now);
      const known = rows.filter((row) => row.name !== null).map(toSchedule);
      return { now: rows[0]?.now ?? "", schedules: known };
    },
    allSchedules: async () => (await selectAllSchedules(sql)).map(toSchedule),
    async putSchedule(schedule, at) {
      await putSchedule(sql, schedule, at?.now);
    },
    async moveSchedule(move, at) {
      const [row] = await moveSchedule(sql, move, at?.now);
      return row?.ids;
    },
    async removeSchedule(name) {
      return (await removeSchedule(sql, name)).length > 0;
    },
  };
}

function toSchedule(row: Omit<ScheduleRow, "now">): ScheduleRecord {
  return {
    name: row.name,
    cron: row.cron,
    timeZone: row.time_zone,
    nextAt: row.next_at,
    lastAt: row.last_at,
  };
}
