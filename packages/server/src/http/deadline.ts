export type Deadline = {
  /** Calls `giveUp` when the time has passed, unless the function that comes back is called before. */
  start(giveUp: () => void): () => void;
};

/**
 * The same time for whatever is started. One timer for all of it: one of its own, set and cleared, costs each event that comes
 * alone a microsecond.
 */
export function createDeadline(ms: number, now: () => number = () => performance.now()): Deadline {
  /** With the time at which each is late: in the order of that, since all have the same time. */
  const waiting = new Map<() => void, number>();
  let isTimed = false;

  function start(giveUp: () => void): () => void {
    waiting.set(giveUp, now() + ms);
    if (!isTimed) wait(ms);
    return () => waiting.delete(giveUp);
  }

  function wait(rest_ms: number): void {
    isTimed = true;
    // Left over when all is done in time, it must not keep the process from ending.
    setTimeout(expire, rest_ms).unref();
  }

  function expire(): void {
    isTimed = false;
    for (const [giveUp, lateAt] of waiting) {
      const rest_ms = lateAt - now();
      if (rest_ms > 0) {
        wait(rest_ms);
        return;
      }
      waiting.delete(giveUp);
      giveUp();
    }
  }

  return { start };
}
