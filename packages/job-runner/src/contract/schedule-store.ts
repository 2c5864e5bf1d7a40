import type { At, NewJob } from "./driver.ts";

/** A stored schedule. */
export type ScheduleRecord = {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  /** The next tick to enqueue, as ISO text; due if it is in the past. */
  readonly nextAt: string;
  /** The last enqueued or skipped tick; null: none yet. */
  readonly lastAt: string | null;
};

export type NewSchedule = {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  /** The first tick of this expression, as ISO text. */
  readonly nextAt: string;
};

/** Advances a schedule from the due tick to the next one. */
export type ScheduleMove = {
  /** The schedule as it was read: it is advanced only if it has not changed. */
  readonly from: ScheduleRecord;
  readonly nextAt: string;
  /** The latest tick at or before now. */
  readonly lastAt: string;
  /** The jobs of the due ticks; none: the ticks are skipped. */
  readonly jobs: readonly NewJob[];
};

/** Stored schedules. The store decides which process enqueues a tick; the engine computes the ticks. */
export type ScheduleStore = {
  /** The schedules with these names, and the store's clock as ISO text. */
  schedules(names: readonly string[], at?: At): Promise<{ now: string; schedules: ScheduleRecord[] }>;
  /** All schedules of the store, including those of other programs, ordered by name. */
  allSchedules(): Promise<ScheduleRecord[]>;
  /** Adds a schedule, or changes the one with this name if its expression or time zone differs. */
  putSchedule(schedule: NewSchedule, at?: At): Promise<void>;
  /** Enqueues the jobs and advances the schedule in one statement; undefined when another process was first. */
  moveSchedule(move: ScheduleMove, at?: At): Promise<string[] | undefined>;
  /** True if it existed. Jobs that it has already enqueued remain. */
  removeSchedule(name: string): Promise<boolean>;
};
