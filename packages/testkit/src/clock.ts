export type Clock = {
  now(): Date;
  advance(ms: number): void;
  set(instant: Date | string): void;
};

/** A clock that stands still until it is moved. */
export function createClock(start: Date | string): Clock {
  let currentMs = toMs(start);
  return {
    now: () => new Date(currentMs),
    advance: (ms) => {
      currentMs += ms;
    },
    set: (instant) => {
      currentMs = toMs(instant);
    },
  };
}

function toMs(instant: Date | string): number {
  const ms = new Date(instant).getTime();
  if (Number.isNaN(ms)) throw new Error(`Not a timestamp: ${instant}`);
  return ms;
}
