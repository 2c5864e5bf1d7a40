import type { z } from "zod";
import type { NewJob } from "../contract/driver.ts";
import { JobOptionError } from "../contract/errors.ts";
import { checkOption, OPTIONS } from "../contract/option-schemas.ts";
import { type CronTicks, cronTicks } from "./cron-ticks.ts";
import type { JobDefinition } from "./define-job.ts";

/** Maximum of ticks enqueued at once; older missed ones are dropped. */
export const MISSED_TICKS_MAX = 100;
/** A tick that is this late counts as missed. */
export const MISSED_AFTER_MS = 60_000;
/** The next tick of an expression without further ticks. */
const NO_TICK = new Date("9999-12-31T00:00:00Z");

/** Handling of ticks that were due while no process was running. */
export type MissedTicks = "skip" | "latest" | "all";

export type ScheduleOptions<Input extends z.ZodType> = {
  /** Stable and unique in the store, which keeps the next tick by it. */
  readonly name: string;
  /** Five fields, or six with seconds first. */
  readonly cron: string;
  /**
   * IANA name. Default "UTC". A time of day that a clock change skips runs directly after it; a repeated one runs once. An
   * expression with `*` or a step in seconds, minutes or hours follows elapsed time instead.
   */
  readonly timeZone?: string;
  readonly job: JobDefinition<Input>;
  /** The job's input, or a function of the tick. */
  readonly input: z.input<Input> | ((tick: Date) => z.input<Input>);
  /** Default "latest": one run for all. "all": one run each, at most the latest 100. "skip": none. */
  readonly missed?: MissedTicks;
};

export type Schedule = {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  /** The first tick after an instant. */
  next(after: Date): Date;
  /** The ticks to run from `first` to `now`, both inclusive, oldest first; `latest` is the last tick, run or not. */
  due(first: Date, now: Date): { run: Date[]; latest: Date };
  toNewJob(tick: Date): NewJob;
};

/** Defines a schedule. Throws JobOptionError for an invalid expression or time zone, JobSchemaError for an invalid input. */
export function defineSchedule<Input extends z.ZodType>(options: ScheduleOptions<Input>): Schedule {
  const { name, cron, job, input, missed = "latest", timeZone = "UTC" } = options;
  checkOption("The name of a schedule", OPTIONS.name, name);
  const pattern = parseCron(name, cron, timeZone);
  if (typeof input !== "function") job.toNewJob(input);

  function due(first: Date, now: Date) {
    const ticks = lastTicks(pattern, first, now, missed === "latest" ? 1 : MISSED_TICKS_MAX);
    const run = missed === "skip" ? ticks.filter((tick) => isRecent(tick, now)) : ticks;
    return { run, latest: ticks.at(-1) ?? first };
  }

  return {
    name,
    cron,
    timeZone,
    next: (after) => pattern.next(after) ?? NO_TICK,
    due,
    toNewJob: (tick) => job.toNewJob(isFunctionOfTick(input) ? input(tick) : input),
  };
}

/** The last ticks from `first` to `now`, both inclusive, oldest first. Computed one by one: a hundred at once take 30 ms. */
function lastTicks(pattern: CronTicks, first: Date, now: Date, max: number): Date[] {
  const ticks: Date[] = [];
  let end = new Date(now.getTime() + 1);
  while (ticks.length < max) {
    const tick = pattern.previous(end);
    if (tick === undefined || tick < first) break;
    ticks.push(tick);
    end = tick;
  }
  return ticks.reverse();
}

function isRecent(tick: Date, now: Date): boolean {
  return now.getTime() - tick.getTime() < MISSED_AFTER_MS;
}

function parseCron(name: string, cron: string, timeZone: string): CronTicks {
  try {
    const pattern = cronTicks(cron, timeZone);
    if (pattern.next(new Date()) !== undefined) return pattern;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "unknown";
    const message = `Schedule ${name} has an invalid cron expression or time zone: "${cron}" in "${timeZone}" (${reason}).`;
    throw new JobOptionError(message, { cause });
  }
  throw new JobOptionError(`Schedule ${name} has no tick in the future: "${cron}".`);
}

function isFunctionOfTick<Input>(input: Input | ((tick: Date) => Input)): input is (tick: Date) => Input {
  return typeof input === "function";
}
