import type { z } from "zod";

/** The detail for a missing value. */
export const MISSING = "is missing";
/** A message may quote every key that it does not know. */
const DETAIL_CHARACTERS_MAX = 500;
const WRONG_TYPE = /^Invalid input: expected (\w+), received (\w+)$/;
const CHECKS: readonly [own: RegExp, words: string][] = [
  [/^Too small: expected \w+ to have >=1 \w+$/, "must not be empty"],
  [/^Too small: expected \w+ to have >=(\S+ \w+)$/, "must have at least $1"],
  [/^Too big: expected \w+ to have <=(\S+ \w+)$/, "must have at most $1"],
  [/^Too small: expected \w+ to be >=(\S+)$/, "must be at least $1"],
  [/^Too big: expected \w+ to be <=(\S+)$/, "must be at most $1"],
  [/^Invalid option: expected one of (.+)$/, "must be one of $1"],
  [/^Invalid input: expected (".*")$/, "must be $1"],
];
const TYPE_WORDS: ReadonlyMap<string, string> = new Map([
  ["object", "an object"],
  ["record", "an object"],
  ["array", "an array"],
  ["string", "a string"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
  ["null", "null"],
]);

export type IssueInWords = { pointer: string; detail: string };

/** What is wrong with a value, in words, and where (RFC 6901). `value` is what the schema was given. */
export function describeIssue(issue: z.core.$ZodIssue, value: unknown): IssueInWords {
  const { path, code } = issue;
  const message = code === "unrecognized_keys" ? unknownFields(issue.keys) : issue.message;
  const pointer = path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  // A rule that looks at several fields has words of its own for the one that it misses.
  const isMissing = code !== "custom" && valueAt(value, path) === undefined;
  return { pointer, detail: isMissing ? MISSING : inWords(message).slice(0, DETAIL_CHARACTERS_MAX) };
}

function unknownFields(keys: readonly string[]): string {
  const names = keys.map((key) => `"${key}"`).join(", ");
  return keys.length === 1
    ? `has the unknown field ${names}; check its spelling`
    : `has the unknown fields ${names}; check their spelling`;
}

/** zod's own texts, for a value of another type and for the most frequent checks, in words. Other texts are left as they are. */
function inWords(message: string): string {
  for (const [own, words] of CHECKS)
    if (own.test(message)) return message.replace(own, words).replaceAll('"|"', '", "');
  const [, expected = "", received = ""] = WRONG_TYPE.exec(message) ?? [];
  const wanted = TYPE_WORDS.get(expected);
  if (received === "NaN" && wanted !== undefined) return `must be ${wanted}`;
  if (wanted === undefined) return message;
  const found = TYPE_WORDS.get(received) ?? received;
  return expected === "int" ? `must be ${wanted}` : `must be ${wanted}, not ${found}`;
}

/** Whether all that is wrong is a text that an enumeration lacks. */
export function isUnknownValue({ code, path }: z.core.$ZodIssue, value: unknown): boolean {
  return code === "invalid_value" && typeof valueAt(value, path) === "string";
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return null;
    found = Object.getOwnPropertyDescriptor(found, key)?.value;
  }
  return found;
}
