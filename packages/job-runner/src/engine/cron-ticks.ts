import { Cron } from "croner";
import { createWallClock, type WallClock } from "./wall-clock.ts";

const NICKNAME = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/i;
const FIELDS_MIN = 5;
const FIELDS_MAX = 6;

export type CronTicks = {
  /** The first tick after an instant. */
  next(after: Date): Date | undefined;
  /** The last tick before an instant. */
  previous(before: Date): Date | undefined;
};

/**
 * The ticks of a cron expression in a time zone. If seconds, minutes and hours are numbers, lists or ranges, ticks are times
 * of day: a tick skipped by a clock change runs directly after it (several skipped ticks are one), a repeated tick runs once.
 * With a `*` or a step in these fields, ticks are intervals, unaffected by clock changes. Throws errors of croner, and
 * RangeError for an unknown time zone.
 */
export function cronTicks(cron: string, timeZone: string): CronTicks {
  const fields = cron.trim().split(/\s+/);
  const isNickname = NICKNAME.test(cron);
  if (!isNickname && (fields.length < FIELDS_MIN || fields.length > FIELDS_MAX)) {
    throw new RangeError(`A cron expression has ${FIELDS_MIN} or ${FIELDS_MAX} fields.`);
  }
  const timeFields = fields.slice(0, fields.length - 3);
  const isInterval = isNickname ? /hourly/i.test(cron) : timeFields.some((field) => /[*?/]/.test(field));
  const clock = createWallClock(timeZone);
  return isInterval ? intervals(cron, timeZone) : timesOfDay(cron, clock);
}

function intervals(cron: string, timeZone: string): CronTicks {
  const pattern = new Cron(cron, { timezone: timeZone, paused: true });
  return {
    next: (after) => pattern.nextRun(after) ?? undefined,
    previous: (before) => pattern.previousRuns(1, before)[0],
  };
}

/** Computed in local time without clock changes, then converted. */
function timesOfDay(cron: string, clock: WallClock): CronTicks {
  const wall = new Cron(cron, { timezone: "UTC", paused: true });

  function next(after: Date): Date | undefined {
    const { min } = clock.offsetsAround(after.getTime());
    let wallTime = wall.nextRun(new Date(after.getTime() + min));
    for (; wallTime !== null; wallTime = wall.nextRun(wallTime)) {
      const instant = clock.instantOf(wallTime.getTime());
      if (instant > after.getTime()) return new Date(instant);
    }
    return undefined;
  }

  function previous(before: Date): Date | undefined {
    const { max } = clock.offsetsAround(before.getTime());
    let [wallTime] = wall.previousRuns(1, new Date(before.getTime() + max));
    for (; wallTime !== undefined; [wallTime] = wall.previousRuns(1, wallTime)) {
      const instant = clock.instantOf(wallTime.getTime());
      if (instant < before.getTime()) return new Date(instant);
    }
    return undefined;
  }

  return { next, previous };
}
