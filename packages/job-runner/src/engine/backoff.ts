export type Backoff = {
  readonly baseMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** Random variation as a share of the delay: 0.2 is ±20 %. */
  readonly jitter: number;
};

export const RETRY_BACKOFF: Backoff = { baseMs: 200, factor: 2, maxMs: 5000, jitter: 0.2 };

/** Delay in ms before the next attempt, after `failures` (at least 1). `random` returns values in [0, 1). */
export function backoffMs(failures: number, backoff: Backoff, random: () => number = Math.random): number {
  const exponential = backoff.baseMs * backoff.factor ** Math.max(0, failures - 1);
  const delayMs = Math.min(backoff.maxMs, Number.isNaN(exponential) ? 0 : exponential);
  return delayMs * (1 + backoff.jitter * (2 * random() - 1));
}
