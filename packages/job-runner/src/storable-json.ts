import { JobOptionError } from "./errors.ts";

const UNSTORABLE_ESCAPE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/**
 * JSON text that a jsonb column accepts. JSON.stringify escapes exactly what Postgres refuses (the NUL character and
 * lone surrogates), and one of them would fail every row of a batch: they become U+FFFD. Undefined becomes null.
 */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.includes("\\u") ? text.replace(UNSTORABLE_ESCAPE, "$1\\ufffd") : text;
}

/** Throws JobOptionError for text that no store keeps as it is: two names must not become one. */
export function requireStorable(what: string, text: string | undefined): void {
  if (text === undefined || (!text.includes("\u0000") && text.isWellFormed())) return;
  throw new JobOptionError(`${what} holds a NUL character or half of a surrogate pair: leave it out.`);
}

/** Text that a text column accepts, cut to a length. */
export function storableText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replaceAll("\u0000", "\ufffd").toWellFormed();
}
