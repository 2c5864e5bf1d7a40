import { createHash } from "node:crypto";
import type { JsonValue } from "@wharf/transcripts";

/** An index entry holds 2,700 bytes, and a key is a part of one. */
const KEY_CHARACTERS_MAX = 300;
const KEY_PREFIX_CHARACTERS = 200;
/** No response has a trillion tokens: a larger number is damaged. */
const TOKENS_MAX = 1e12;
const TIME_PATTERN = /^\d{4}-\d\d-\d\d[T ]/;
/** Outside of these years, a clock or a record is damaged: Postgres takes no year 0, and usage is summed within them. */
const TIME_MIN_MS = Date.UTC(2000, 0, 1);
const TIME_MAX_MS = Date.UTC(2100, 0, 1);
/** JSON in Postgres is read recursively; its stack holds some thousand levels. */
const DEPTH_MAX = 500;
const INTEGER_MAX = 2_147_483_647;

export function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** An id of the agent as a key: of a long one, its beginning and a hash. */
export function keyOf(id: string): string {
  if (id.length <= KEY_CHARACTERS_MAX) return id;
  return `${id.slice(0, KEY_PREFIX_CHARACTERS).toWellFormed()}~${md5(id)}`;
}

export function nullableKeyOf(id: string | null): string | null {
  return id === null ? null : keyOf(id);
}

/** Milliseconds since 1970; null for a text that is no time, and for one that no agent can have written. */
export function timeOf(at: string | null): number | null {
  if (at === null || !TIME_PATTERN.test(at)) return null;
  const ms = Date.parse(at);
  return ms >= TIME_MIN_MS && ms < TIME_MAX_MS ? ms : null;
}

export function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** A whole number of tokens; null for an unknown or a damaged one. */
export function tokensOf(value: number | null): number | null {
  if (value === null || value < 0 || value > TOKENS_MAX) return null;
  return Math.round(value);
}

export function integerOf(value: number | null): number | null {
  return value === null || Math.abs(value) > INTEGER_MAX ? null : Math.trunc(value);
}

/** The value, or its JSON as a text where it is nested too deeply for a column. */
export function storableDepth(value: JsonValue): JsonValue {
  return isDeeper(value, DEPTH_MAX) ? JSON.stringify(value) : value;
}

function isDeeper(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const values = Array.isArray(value) ? value : Object.values(value);
  return values.some((inner) => isDeeper(inner, levels - 1));
}
