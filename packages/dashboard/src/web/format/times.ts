const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const instants = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const days = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const shortDays = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const clocks = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** Such as "just now", "4 min ago", "3 h ago", "2 d ago". */
export function ageText(ms: number): string {
  if (ms < 10 * SECOND_MS) return "just now";
  return `${durationText(ms)} ago`;
}

/** The largest unit alone: "8 s", "4 min", "3 h", "2 d"; below a second "120 ms". */
export function durationText(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

export function instantText(at: string): string {
  return instants.format(new Date(at));
}

export function dayText(at: string): string {
  return days.format(new Date(at));
}

/** Such as "29 Nov". */
export function shortDayText(at: string): string {
  return shortDays.format(new Date(at));
}

/** Hours and minutes of the browser's time zone. */
export function clockText(at: string): string {
  return clocks.format(new Date(at));
}
