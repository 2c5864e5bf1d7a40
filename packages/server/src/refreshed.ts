/** A value in memory that is read again when it is older than a limit. */
export type Refreshed<Value> = {
  /** As of the last refresh. */
  current(): Value;
  /** Reads it when it is too old. Never rejects: without an answer, the last value stands. */
  refresh(): Promise<void>;
  /** The next refresh reads it: this process has changed it. What is being read is dropped. */
  forget(): void;
};

/** `monotonicMs`: milliseconds of a clock that never goes back. */
export function createRefreshed<Value>(
  initial: Value,
  read: () => Promise<Value>,
  { ageMaxMs, monotonicMs }: { ageMaxMs: number; monotonicMs: () => number },
): Refreshed<Value> {
  let value = initial;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | null = null;

  function begin(): Promise<void> {
    const startedMs = monotonicMs();
    const reading: Promise<void> = read().then(
      (found) => end(reading, startedMs, found),
      () => end(reading, Number.NEGATIVE_INFINITY, value),
    );
    underWay = reading;
    return reading;
  }

  function end(reading: Promise<void>, asOfMs: number, found: Value): void {
    if (underWay !== reading) return;
    underWay = null;
    readAtMs = asOfMs;
    value = found;
  }

  async function refresh(): Promise<void> {
    if (underWay === null && monotonicMs() - readAtMs < ageMaxMs) return;
    await (underWay ?? begin());
  }

  return {
    current: () => value,
    refresh,
    forget: () => {
      readAtMs = Number.NEGATIVE_INFINITY;
      underWay = null;
    },
  };
}
