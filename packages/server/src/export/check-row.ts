import {
  eventTypeSchema,
  ID_CHARACTERS_MAX,
  idSchema,
  SUMMED_MAX,
  TRANSCRIPT_FILE_BYTES_MAX,
  timestampSchema,
  transcriptFileSchema,
  WORKSPACE_ID_CHARACTERS_MAX,
} from "@wharf/protocol";
import { MARKERS } from "@wharf/redaction";
import { z } from "zod";
import type { TargetTable } from "../db/export/write-rows.ts";
import { findFlaw, holdsControlCharacters, isRecord } from "../json/clean-value.ts";
import type { Limits } from "../limits.ts";
import { flawOfColumns } from "./row-schemas.ts";

export type RowLimits = Pick<Limits, "event_bytes" | "json_depth" | "json_values">;

/** What transcripts may be nested, and their row. */
const DEPTH_MAX = 502;
/** Ids that devices and people give; other ids are made of those of agents, which may hold any character. */
const SHORT_IDS = new Set(["session_id", "device_id", "workspace_id", "event_id"]);
const SHORT_KEYED = new Set(["workspaces", "devices", "sessions", "events"]);
const KEY = /(?:^|_)(?:id|key)$/;
const KEY_CHARACTERS_MAX = 1_000;
/** Of an event itself, its device and its session. */
const eventIdsSchema = z.tuple([idSchema, idSchema, idSchema.nullish()]);
/** Tables with texts of transcripts, whose lines have a bound of their own. */
const OF_TRANSCRIPTS = new Set([
  ...["transcript_generations", "transcript_messages", "content_blocks", "transcript_facts", "tool_calls"],
]);
/** A message without a time is sorted before all others. */
const UNTIMED = new Set(["sorted_at"]);
const UNTIMED_VALUE = "-infinity";

/**
 * What ingest would refuse of a row, in words; null: nothing. Keys have bounds because they are in indexes and in lists, sizes and depths
 * because they are read again, times because sums by time have as many rows as there are hours.
 */
export function flawOfRow(
  table: string,
  row: Readonly<Record<string, unknown>>,
  columns: Pick<TargetTable, "times" | "numbers">,
  limits: RowLimits,
): string | null {
  const flaw = findFlaw(row, { json_depth: DEPTH_MAX, json_values: Number.POSITIVE_INFINITY });
  if (flaw !== null) return flaw;
  for (const [column, value] of Object.entries(row)) {
    const reason = flawOfValue(table, column, value, columns);
    if (reason !== null) return `${reason} in ${column.slice(0, KEY_CHARACTERS_MAX)}`;
  }
  if (table === "events") return flawOfEvent(row, limits);
  return (OF_TRANSCRIPTS.has(table) ? null : flawOfSizes(row, limits)) ?? flawOfColumns(table, row);
}

function flawOfValue(
  table: string,
  column: string,
  value: unknown,
  { times, numbers }: Pick<TargetTable, "times" | "numbers">,
): string | null {
  if (times.includes(column)) {
    const isTime = timestampSchema.safeParse(value).success;
    return value === null || isTime || (UNTIMED.has(column) && value === UNTIMED_VALUE)
      ? null
      : "has no time";
  }
  if (numbers.includes(column))
    return value === null || (typeof value === "number" && Math.abs(value) <= SUMMED_MAX)
      ? null
      : "has no number, or one too large";
  if (typeof value !== "string") return null;
  if (column === "canonical_id")
    return value.length <= WORKSPACE_ID_CHARACTERS_MAX
      ? null
      : `has more than ${WORKSPACE_ID_CHARACTERS_MAX} characters`;
  if (column === "file" && table === "transcript_files")
    return transcriptFileSchema.safeParse(value).success
      ? null
      : `has no path of at most ${TRANSCRIPT_FILE_BYTES_MAX} bytes`;
  if (!KEY.test(column)) return null;
  const isGiven = SHORT_IDS.has(column) || (column === "id" && SHORT_KEYED.has(table));
  const characters_max = isGiven ? ID_CHARACTERS_MAX : KEY_CHARACTERS_MAX;
  if (value.length > characters_max) return `has more than ${characters_max} characters`;
  return isGiven && holdsControlCharacters(value) ? "has a control character" : null;
}

/** What is derived from events and reports is no larger than one event. */
function flawOfSizes(row: Readonly<Record<string, unknown>>, { event_bytes }: RowLimits): string | null {
  for (const [column, value] of Object.entries(row))
    if (bytesAsSent(value) > event_bytes)
      return `is larger than ${event_bytes} bytes in ${column.slice(0, KEY_CHARACTERS_MAX)}`;
  return null;
}

function flawOfEvent(
  { id, device_id, session_id, type, data, blob_refs = [] }: Readonly<Record<string, unknown>>,
  { event_bytes, json_depth, json_values }: RowLimits,
): string | null {
  if (!eventIdsSchema.safeParse([id, device_id, session_id]).success) return "has no ids of an event";
  if (!eventTypeSchema.safeParse(type).success) return "has no event type in type";
  if (!isRecord(data) || !Array.isArray(blob_refs)) return "has no object in data, or no list in blob_refs";
  const flaw = findFlaw([data, blob_refs], { json_depth: json_depth + 1, json_values });
  if (flaw !== null) return `${flaw} in data`;
  const bytes = bytesAsSent(data) + (blob_refs.length === 0 ? 0 : bytesAsSent(blob_refs));
  return bytes > event_bytes ? `is larger than ${event_bytes} bytes in data` : null;
}

/** Without markers, which may be longer than the secrets that they replaced after the API had measured the value. */
function bytesAsSent(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value).replaceAll(MARKERS, ""));
}
