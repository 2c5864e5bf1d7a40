import type { At } from "../../contract/driver.ts";
import { type Instant, instantMicros } from "../../contract/instant.ts";

const MICROS_PER_MS = 1000n;
/** A clock that was set back further than this is accepted. */
const DRIFT_MAX_MICROS = 1_000_000n;
const DAY_MICROS = 86_400_000_000n;

/** The time of jobs that are never due; later than all others. */
export const NEVER = 2n ** 63n - 1n;

let lastMicros = 0n;

/**
 * The operation's time in microseconds since 1970: this machine's clock unless a test passes one. The clock has milliseconds; of
 * two readings within one, the second is later by a microsecond, because events count from the creation of a job.
 */
export function microsOf(at: At | undefined): bigint {
  if (at?.now !== undefined) return instantMicros(at.now);
  const clock = BigInt(Date.now()) * MICROS_PER_MS;
  lastMicros = clock > lastMicros || lastMicros - clock > DRIFT_MAX_MICROS ? clock : lastMicros + 1n;
  return lastMicros;
}

/** Milliseconds, with fractions, in microseconds. */
export function millisecondsInMicros(ms: number): bigint {
  return BigInt(Math.round(ms * 1000));
}

export function daysInMicros(days: number): bigint {
  return BigInt(days) * DAY_MICROS;
}

/** When a job becomes runnable: now at the earliest, so that it runs after jobs that were due before. A delay takes precedence. */
export function runAtOf(job: { runAt?: Instant | 0 | null; delayMs?: number }, now: bigint): bigint {
  if (job.delayMs !== undefined && job.delayMs > 0) return now + millisecondsInMicros(job.delayMs);
  if (job.delayMs !== undefined || !job.runAt) return now;
  const runAt = instantMicros(job.runAt);
  return runAt > now ? runAt : now;
}

/** Selects a column of microseconds as ISO text in UTC; infinities unchanged. */
export function isoText(column: string): string {
  return `${isoValue(column)} AS ${column}`;
}

/** Like isoText, without a column name. */
export function isoValue(column: string): string {
  return `CASE ${column} WHEN ${NEVER} THEN 'infinity'
    ELSE strftime('%Y-%m-%dT%H:%M:%S', ${column} / 1000000, 'unixepoch') || printf('.%06dZ', ${column} % 1000000) END`;
}
