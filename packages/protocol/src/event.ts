import { z } from "zod";
import { EVENT_TYPE_PATTERN, TYPE_CHARACTERS_MAX } from "./event-types.ts";
import { MISSING } from "./issue.ts";
import { ULID_PATTERN } from "./ulid.ts";

export const ID_CHARACTERS_MAX = 200;
export const WORKSPACE_ID_CHARACTERS_MAX = 2_000;
export const BATCH_EVENTS_MAX = 1_000;
export const BLOB_REFS_MAX = 100;
const TIMESTAMP_PATTERN = z.regexes.datetime({ offset: true });
/** Postgres refuses an offset of 16 hours and more, which no place on earth has. */
const UNKNOWN_OFFSET = /[+-](?:1[6-9]|2\d):?\d\d$/;
/** Postgres refuses some more than this, and keeps six. */
const TIME_DECIMALS_MAX = 30;
const TOO_FINE_TIME = new RegExp(String.raw`\.\d{${TIME_DECIMALS_MAX + 1}}`);
/** To the point of the seconds, the decimals, and Z. */
const TOO_FINE_TIME_CHARACTERS_MIN = "2026-11-22T10:00:00.".length + TIME_DECIMALS_MAX + 1 + "Z".length;
const EARLIEST = "2000";
const LATEST = "2100";
const YEAR_AFTER_EARLIEST = "2001";
const YEAR_BEFORE_LATEST = "2099";
const EARLIEST_MS = Date.UTC(Number(EARLIEST));
const LATEST_MS = Date.UTC(Number(LATEST));

export const idSchema = z.string().min(1).max(ID_CHARACTERS_MAX);

/** ISO-8601 with `Z` or an offset; an instant from 2000 to 2100. Kept as text: a Date would lose the microseconds. */
export const timestampSchema = z.iso
  .datetime({
    offset: true,
    error: "must be ISO-8601 with Z or an offset, like 2026-11-22T10:00:00Z",
    abort: true,
  })
  .refine(hasKnownOffset, { error: "must have an offset below 16 hours" })
  .refine(isPlausibleTime, { error: `must lie between ${EARLIEST} and ${LATEST}` })
  .refine(isCoarseEnough, { error: `must have at most ${TIME_DECIMALS_MAX} decimals` });

export const eventTypeSchema = z
  .string()
  .max(TYPE_CHARACTERS_MAX)
  .regex(EVENT_TYPE_PATTERN, { error: "must be dot notation in lower case, like session.start" });

/** Any JSON object, taken as it is: z.record would copy it key by key, 1.5 µs an event. */
export const jsonObjectSchema = z
  .custom<Record<string, unknown>>(isJsonObject, {
    error: ({ input }) => (input === undefined ? MISSING : "must be an object"),
  })
  .meta({ type: "object", additionalProperties: true });

export const blobRefSchema = z.looseObject({
  key: z.string().min(1),
  content_type: z.string(),
  size_bytes: z.number().int().nonnegative(),
});

/** What a device sends. `workspace_id` is the canonical id or a git remote; `data` is checked by its type's own schema. */
export const eventSchema = z.object({
  id: z.string().regex(ULID_PATTERN, {
    error: "must be a ULID: 26 characters 0-9 A-Z without I, L, O, U, the first from 0 to 7",
  }),
  type: eventTypeSchema,
  timestamp: timestampSchema,
  device_id: idSchema,
  workspace_id: z.string().min(1).max(WORKSPACE_ID_CHARACTERS_MAX),
  session_id: idSchema.nullish(),
  data: jsonObjectSchema,
  blob_refs: z.array(blobRefSchema).max(BLOB_REFS_MAX).default([]),
});

export type Event = z.infer<typeof eventSchema>;
export type BlobRef = z.infer<typeof blobRefSchema>;

/**
 * The event, if eventSchema is certain to accept it. Null means unknown: parse with eventSchema, which takes 5 µs per single event.
 */
export function readPlainEvent(value: unknown): Event | null {
  if (!isJsonObject(value)) return null;
  const { id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs } = value;
  const isPlain =
    typeof id === "string" &&
    ULID_PATTERN.test(id) &&
    isShortText(type, TYPE_CHARACTERS_MAX) &&
    EVENT_TYPE_PATTERN.test(type) &&
    typeof timestamp === "string" &&
    TIMESTAMP_PATTERN.test(timestamp) &&
    hasKnownOffset(timestamp) &&
    isPlausibleTime(timestamp) &&
    isCoarseEnough(timestamp) &&
    isShortText(device_id, ID_CHARACTERS_MAX) &&
    isShortText(workspace_id, WORKSPACE_ID_CHARACTERS_MAX) &&
    (session_id === undefined || session_id === null || isShortText(session_id, ID_CHARACTERS_MAX)) &&
    isJsonObject(data) &&
    blob_refs === undefined;
  return isPlain ? { id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs: [] } : null;
}

/** The envelope alone: each event is checked by itself, so that one bad event is rejected alone. */
export const eventBatchSchema = z.looseObject(
  { events: z.array(z.unknown()).min(1).max(BATCH_EVENTS_MAX) },
  { error: ({ code }) => (code === "invalid_type" ? 'send {"events":[…]}' : undefined) },
);

export const eventResultSchema = z.object({
  index: z.number().int(),
  id: z.string().nullable(),
  status: z.enum(["accepted", "duplicate", "rejected"]),
});

export const ingestResponseSchema = z.object({
  ingested: z.number().int(),
  duplicates: z.number().int(),
  rejected: z.number().int(),
  results: z.array(eventResultSchema),
  errors: z
    .array(z.object({ index: z.number().int(), error: z.string(), pointer: z.string().optional() }))
    .optional(),
});

export type EventResult = z.infer<typeof eventResultSchema>;
export type IngestResponse = z.infer<typeof ingestResponseSchema>;

/** The instant counts, which an offset may move into another year; most texts say by their year that it does not. */
function isPlausibleTime(text: string): boolean {
  if (text > YEAR_AFTER_EARLIEST && text < YEAR_BEFORE_LATEST) return true;
  const instantMs = Date.parse(text);
  return instantMs >= EARLIEST_MS && instantMs < LATEST_MS;
}

function isCoarseEnough(text: string): boolean {
  return text.length < TOO_FINE_TIME_CHARACTERS_MIN || !TOO_FINE_TIME.test(text);
}

function hasKnownOffset(text: string): boolean {
  return !UNKNOWN_OFFSET.test(text);
}

/** zod counts characters, of which a text has no more than UTF-16 units. */
function isShortText(value: unknown, characters_max: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= characters_max;
}

function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
