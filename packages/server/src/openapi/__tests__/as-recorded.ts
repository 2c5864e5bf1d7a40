import { createUlid, isUlid } from "@wharf/protocol";
import { isRecord } from "../../json/clean-value.ts";

const DAY_MS = 86_400_000;
const YESTERDAY = new Date(Date.now() - DAY_MS).toISOString();
const YESTERDAYS_ULID = createUlid(Date.now() - DAY_MS);
const TIME = /^\d{4}-\d{2}-\d{2}T/;
/** From a sequence, which other examples use, too. */
const NUMBER = /^\d{1,18}$/;
/** Random, measured, counted over all examples, or of the built client. */
const FIELDS =
  /^(?:request_id|redaction_secret|code|last4|uptime_seconds|\w+_ms(?:_\w+)?|accepted|rejected|sha256|bytes)$/;

/**
 * A response as it is recorded. Ids and times of the run, and what is random or measured, keep the recorded value, so that a recording
 * changes only where a response does.
 */
export function asRecorded(value: unknown, recorded: unknown, field = ""): unknown {
  if (Array.isArray(value)) {
    const items: unknown[] = Array.isArray(recorded) ? recorded : [];
    return value.map((item, index) => asRecorded(item, items[index], field));
  }
  if (isRecord(value)) {
    const fields = isRecord(recorded) ? recorded : {};
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, asRecorded(item, fields[name], name)]),
    );
  }
  return (FIELDS.test(field) || isOfTheRun(value)) && typeof recorded === typeof value ? recorded : value;
}

/** The examples' own rows are of 2025. */
function isOfTheRun(value: unknown): boolean {
  if (typeof value !== "string") return false;
  if (isUlid(value)) return value > YESTERDAYS_ULID;
  return NUMBER.test(value) || (TIME.test(value) && value > YESTERDAY);
}
