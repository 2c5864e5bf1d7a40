import {
  BATCH_EVENTS_MAX,
  ID_CHARACTERS_MAX,
  PAGE_ITEMS_MAX,
  TIMELINE_ITEMS_MAX,
  TYPE_CHARACTERS_MAX,
} from "@wharf/protocol";
import { ConfigError } from "./errors.ts";

const MIB = 1024 * 1024;

/** The limits of one server process; what a limit bounds is in its name, with the unit last. */
export const DEFAULT_LIMITS = {
  body_bytes: 8 * MIB,
  // A body of this size keeps the event loop busy for some 150 ms at worst; one of 32 MiB for 280.
  decompressed_body_bytes: 16 * MIB,
  // Half of it, the share of a key, is a body of the largest size as sent and decompressed.
  body_memory_bytes: 48 * MIB,
  body_receive_ms: 60_000,
  // Of one append, as sent and decompressed: above the longest line that is kept.
  transcript_part_bytes: 40 * MIB,
  // A longer line of a transcript is kept as its size and hash.
  transcript_line_bytes: 32 * MIB,
  // Of a whole file by upload; appends have no limit together.
  transcript_body_bytes: 200 * MIB,
  transcript_receive_ms: 600_000,
  // Of responses that were made and not taken yet. Half of it, the share of a key, is five of the largest pages.
  response_memory_bytes: 48 * MIB,
  response_send_ms: 60_000,
  batch_events: BATCH_EVENTS_MAX,
  event_bytes: MIB,
  json_depth: 64,
  json_values: 50_000,
  batch_values: 150_000,
  id_characters: ID_CHARACTERS_MAX,
  type_characters: TYPE_CHARACTERS_MAX,
  write_queue_events: 20_000,
  write_queue_bytes: 64 * MIB,
  statement_deadline_ms: 10_000,
  list_items: PAGE_ITEMS_MAX,
  timeline_items: TIMELINE_ITEMS_MAX,
  key_requests_per_s: 100,
  key_events_per_s: 10_000,
  failed_authentications_per_min: 20,
  live_streams: 200,
};

export type Limits = typeof DEFAULT_LIMITS;

/** What a limit cannot be raised above: the protocol's own bounds, and what the server can hold. */
const LIMIT_CEILINGS: Partial<Limits> = {
  body_bytes: 256 * MIB,
  decompressed_body_bytes: 512 * MIB,
  transcript_part_bytes: 256 * MIB,
  transcript_line_bytes: 256 * MIB,
  transcript_body_bytes: 256 * MIB,
  batch_events: BATCH_EVENTS_MAX,
  json_depth: 1_000,
  json_values: 1_000_000,
  batch_values: 10_000_000,
};

const PREFIX = "WHARF_LIMIT_";
/** Parts of the protocol's schemas, which other programs rely on. */
const FIXED = new Set<string>(["id_characters", "type_characters", "list_items", "timeline_items"]);

/**
 * The limits, with those that the environment sets: `WHARF_LIMIT_BODY_BYTES=1000000` for `body_bytes`.
 * Throws ConfigError for a name that is none and for a value that cannot be.
 */
export function readLimits(environment: Readonly<Record<string, string | undefined>>): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === "") continue;
    const name = variable.slice(PREFIX.length).toLowerCase();
    if (!isLimit(name) || FIXED.has(name))
      throw unusable(variable, "is not a configurable limit: see GET /api/limits");
    const ceiling = LIMIT_CEILINGS[name] ?? Number.MAX_SAFE_INTEGER;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > ceiling) throw unusable(variable, `must be a whole number from 1 to ${ceiling}`);
    limits[name] = value;
  }
  return limits;
}

function isLimit(name: string): name is keyof Limits {
  return Object.hasOwn(DEFAULT_LIMITS, name);
}

function unusable(variable: string, reason: string): ConfigError {
  return new ConfigError(`Invalid environment: ${variable} ${reason}.`, "CONFIG_INVALID");
}
