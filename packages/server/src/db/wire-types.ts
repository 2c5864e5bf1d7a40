import { readStoredJson } from "../json/stored-json.ts";

/** Postgres writes a time in the session's zone; the settings below make that UTC. */
const POSTGRES_TIME = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/;

/** `2026-11-22 10:00:00.123456+00`. */
const WHOLE_TIME_CHARACTERS = 29;

/**
 * How columns are read where they go out as JSON: times as ISO-8601 UTC text with six fractional digits, which also sorts as
 * text (a Date would lose the microseconds), BIGINT and NUMERIC as numbers, JSON with its large whole numbers as they are.
 */
export const wireTypes = {
  timestamptz: { to: 1184, from: [1184], serialize: (value: string): string => value, parse: isoTime },
  bigint: { to: 20, from: [20], serialize: String, parse: Number },
  numeric: { to: 1700, from: [1700], serialize: String, parse: Number },
  json: {
    to: 3802,
    from: [114, 3802],
    serialize: (value: unknown): string => JSON.stringify(value),
    parse: readStoredJson,
  },
};

export const wireSettings = {
  TimeZone: "UTC",
  DateStyle: "ISO",
  // The same statement serves rare and common values of a filter; a plan made for all of them is slow for some.
  plan_cache_mode: "force_custom_plan",
  // A page is small: to compile its plan or to start workers for it takes longer than to read it.
  jit: "off",
  max_parallel_workers_per_gather: 0,
  // Few of the names for a page's rows are read: at the default, made for turning disks, all workspaces were, for each page.
  random_page_cost: 1.1,
};

/** Most times have their six digits: without the pattern, and as one flat text, a page of them costs a third. */
function isoTime(text: string): string {
  if (text.length === WHOLE_TIME_CHARACTERS && text[10] === " " && text.endsWith("+00"))
    return [text.slice(0, 10), "T", text.slice(11, 26), "Z"].join("");
  const [, date, time, fraction = ""] = POSTGRES_TIME.exec(text) ?? [];
  return date === undefined ? text : `${date}T${time}.${fraction.padEnd(6, "0")}Z`;
}
