/** No time zone has changed its clock twice within this time. */
const AROUND_MS = 26 * 3_600_000;

export type WallClock = {
  offsetsAround: (ms: number) => {
    min: number;
    max: number;
  };
  instantOf(wallMs: number): number;
};

/** The local time of a time zone, as milliseconds of Date.UTC for the local date and time. Throws RangeError for an unknown zone. */
export function createWallClock(timeZone: string): WallClock {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });

  /** The offset from UTC in milliseconds at an instant. */
  function offsetMs(ms: number): number {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
    const wallMs = Date.UTC(
      part("year"),
      part("month") - 1,
      part("day"),
      part("hour"),
      part("minute"),
      part("second"),
    );
    return wallMs - Math.floor(ms / 1000) * 1000;
  }

  /** The smallest and the largest offset of the days around an instant. */
  function offsetsAround(ms: number): { min: number; max: number } {
    const offsets = [ms - AROUND_MS, ms, ms + AROUND_MS].map(offsetMs);
    return { min: Math.min(...offsets), max: Math.max(...offsets) };
  }

  /** The first instant of a local time; for a skipped one, the instant of the clock change. Never decreases. */
  function instantOf(wallMs: number): number {
    const { min, max } = offsetsAround(wallMs);
    if (offsetMs(wallMs - max) === max) return wallMs - max;
    if (offsetMs(wallMs - min) === min) return wallMs - min;
    let [early, late] = [wallMs - max, wallMs - min];
    while (late - early > 1000) {
      const middle = early + Math.floor((late - early) / 2000) * 1000;
      if (offsetMs(middle) === max) late = middle;
      else early = middle;
    }
    return late;
  }

  return { offsetsAround, instantOf };
}
