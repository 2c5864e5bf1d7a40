import type { z } from "zod";

/** The detail for a missing value. */
export const MISSING = "is missing";
/** A message may quote every key that it does not know. */
const DETAIL_CHARACTERS_MAX = 500;

export type IssueInWords = { pointer: string; detail: string };

/** What is wrong with a value, in words, and where (RFC 6901). `value` is what the schema was given. */
export function describeIssue({ path, code, message }: z.core.$ZodIssue, value: unknown): IssueInWords {
  const pointer = path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  // A rule that looks at several fields has words of its own for the one that it misses.
  const isMissing = code !== "custom" && valueAt(value, path) === undefined;
  return { pointer, detail: isMissing ? MISSING : message.slice(0, DETAIL_CHARACTERS_MAX) };
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
