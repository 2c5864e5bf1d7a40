import { dayText } from "./times.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** The first instant of the day that is so many days before, in the browser's time zone. */
export function startOfDay(ms: number, daysBefore = 0): Date {
  const day = new Date(ms);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - daysBefore);
}

/** "Today", "Yesterday", or the day with its weekday; the year where it is another. */
export function dayTitle(at: string, nowMs: number): string {
  const day = startOfDay(Date.parse(at));
  // A day of a change of the clocks has 23 or 25 hours.
  const ago = Math.round((startOfDay(nowMs).getTime() - day.getTime()) / DAY_MS);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  const year = day.getFullYear();
  return year === new Date(nowMs).getFullYear() ? dayText(at) : `${dayText(at)} ${year}`;
}

/** The name of the browser's time zone, for sums by day. */
export function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `2026-11-29`, in the browser's time zone. */
export function isoDay(date: Date): string {
  const [month, day] = [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0"));
  return `${date.getFullYear()}-${month}-${day}`;
}

/** An instant, or the first one of a day like `2026-11-29` in the browser's time zone. */
export function instantOf(text: string): Date {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  return year === undefined ? new Date(text) : new Date(Number(year), Number(month) - 1, Number(day));
}
