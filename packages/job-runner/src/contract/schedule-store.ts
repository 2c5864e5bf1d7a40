import type { At, NewJob } from "./driver.ts";

/** When a schedule is due next, and by which expression. */
export type ScheduleRecord = {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  /** The next tick to be enqueued, ISO text. Past: it is due. */
  readonly nextAt: string;
  /** The last tick that was enqueued or skipped; null: none yet. */
  readonly lastAt: string | null;
};

export type NewSchedule = {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  /** First tick by this expression, ISO text. */
  readonly nextAt: string;
};

/** A move of a schedule from the tick that is due to the next one. */
export type ScheduleMove = {
  /** As it was read: the move happens only if nothing of it has changed. */
  readonly from: ScheduleRecord;
  readonly nextAt: string;
  /** The latest tick at or before now. */
  readonly lastAt: string;
  /** The jobs of the ticks that are to run; none: they are skipped. */
  readonly jobs: readonly NewJob[];
};

/** Schedules as the store knows them. The store decides who enqueues a tick; which times are ticks, it does not know. */
export type ScheduleStore = {
  /** The schedules of these names, and the store's clock (ISO text). */
  schedules(names: readonly string[], at?: At): Promise<{ now: string; schedules: ScheduleRecord[] }>;
  /** Every schedule that the store knows, of this program or another, by name. */
  allSchedules(): Promise<ScheduleRecord[]>;
  /** Adds a schedule; one of the same name with another expression or zone is changed, an equal one left alone. */
  putSchedule(schedule: NewSchedule, at?: At): Promise<void>;
  /** Enqueues the jobs and moves the schedule in one statement, or does neither: undefined when another came first. */
  moveSchedule(move: ScheduleMove, at?: At): Promise<string[] | undefined>;
  /** True when it was there. Jobs of its ticks that are enqueued already stay. */
  removeSchedule(name: string): Promise<boolean>;
};
