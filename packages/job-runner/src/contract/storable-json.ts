import { JobJsonError, JobOptionError } from "./errors.ts";

/** Bytes of JSON of one input, output or event. Store larger values elsewhere and pass their location. */
export const JSON_MAX_BYTES = 67_108_864;
const BYTES_PER_CHARACTER_MAX = 3;

declare const isJson: unique symbol;
/** JSON text that every store accepts. */
export type JsonText = string & { readonly [isJson]: true };

const UNSTORABLE_ESCAPE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** JSON text that a jsonb column accepts, as storableJsonText. Undefined becomes null. */
export function storableJson(value: unknown): JsonText {
  return storableJsonText(JSON.stringify(value) ?? "null");
}

/**
 * Replaces what a jsonb column rejects by U+FFFD: the NUL character and lone surrogates, of which one would fail every row of a
 * batch. `text` comes from JSON.stringify, which escapes exactly these.
 */
export function storableJsonText(text: string): JsonText {
  const storable = text.includes("\\u") ? text.replace(UNSTORABLE_ESCAPE, "$1\\ufffd") : text;
  // The only place that applies the brand, which exists only as a type.
  return storable as JsonText;
}

/** As storableJson. Throws JobJsonError, which names the value by `what`, if JSON cannot represent it. */
export function jsonOf(what: string, value: unknown): JsonText {
  const text = stringified(what, value);
  const isSmall = text.length * BYTES_PER_CHARACTER_MAX <= JSON_MAX_BYTES;
  if (isSmall || Buffer.byteLength(text) <= JSON_MAX_BYTES) return text;
  throw new JobJsonError(what, `it has more than ${JSON_MAX_BYTES} bytes`);
}

function stringified(what: string, value: unknown): JsonText {
  try {
    return storableJson(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/\.$/, "") : "it throws";
    throw new JobJsonError(what, reason, { cause });
  }
}

/** Throws JobOptionError for text that stores would change: two names must not become one. */
export function requireStorable(what: string, text: string | undefined): void {
  if (text === undefined || isStorable(text)) return;
  throw new JobOptionError(`${what} holds a NUL character or half of a surrogate pair: leave it out.`);
}

/** Whether every store keeps the text unchanged. */
export function isStorable(text: string): boolean {
  return !text.includes("\u0000") && text.isWellFormed();
}

/** Text that a text column accepts, cut to a length: NUL and lone surrogates become U+FFFD. */
export function storableText(text: string, maxLength: number = Number.POSITIVE_INFINITY): string {
  return text.slice(0, maxLength).replaceAll("\u0000", "\ufffd").toWellFormed();
}
