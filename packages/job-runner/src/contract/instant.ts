import { JobOptionError } from "./errors.ts";

/** A point in time: a Date, or ISO 8601 text, which keeps microseconds. */
export type Instant = Date | string;

const ISO_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.(\d{1,6}))?)?(?:Z|[+-]\d\d:?\d\d)$/;

const OFFSET_MAX_HOURS = 15;

/** An instant as ISO text with its microseconds. Throws JobOptionError for any other value. */
export function instantText(instant: Instant): string {
  const text = instant instanceof Date ? dateText(instant) : instant;
  if (!ISO_PATTERN.test(text) || !isInCalendar(text)) {
    throw new JobOptionError(
      "An instant must be a valid Date, or ISO 8601 text with a time zone and at most microseconds.",
    );
  }
  return text;
}

/** Microseconds since 1970 as a bigint. */
export function instantMicros(instant: Instant): bigint {
  const text = instantText(instant);
  const fraction = (ISO_PATTERN.exec(text)?.[1] ?? "").padEnd(6, "0");
  const wholeSecondMs = Date.parse(text.replace(/\.\d+/, ""));
  return BigInt(wholeSecondMs) * 1000n + BigInt(fraction);
}

/** ISO text in UTC with microseconds, as returned by every driver. */
export function microsText(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${fraction.toString().padStart(6, "0")}Z`;
}

function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? "invalid" : date.toISOString();
}

/** Date.parse takes the 30th of February for the 2nd of March, and Postgres neither the year 0 nor an offset of 16 hours. */
function isInCalendar(text: string): boolean {
  const day = text.slice(0, 10);
  const midnight = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(Date.parse(text)) || Number.isNaN(midnight.getTime())) return false;
  if (midnight.toISOString().slice(0, 10) !== day) return false;
  const offsetHours = Number(/[+-](\d\d):?\d\d$/.exec(text)?.[1] ?? 0);
  return offsetHours <= OFFSET_MAX_HOURS && !day.startsWith("0000");
}
