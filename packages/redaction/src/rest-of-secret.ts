import { createFinder } from "./find-secrets.ts";
import { MARKERS } from "./marker.ts";
import { SECRET_RULES } from "./rules.ts";
import { withoutEscapes } from "./views.ts";

/** Characters of tokens and passwords, as the rules have them. */
const TOKEN = /^[A-Za-z0-9_.+/=~!@#%^&*:-]*/;
/** Their secrets hold spaces, and end with the string that holds them. */
const VALUE = /^[^\r\n"'\\]*/;
const VALUE_RULES: ReadonlySet<string> = new Set(["cookie-header"]);
/** Its lines are separated by newlines, as they are or written as escapes: the cut may stand within one. */
const KEY_RULE = "private-key";
const KEY_HEADER = "-----BEGIN PRIVATE KEY-----";
const KEY_GAP = /^[\\rn\s]*$/;

const keyRule = SECRET_RULES.find(({ id }) => id === KEY_RULE);
const endOfKey = keyRule === undefined ? null : createFinder(keyRule).endOf;
/** In place of what was cut off of a line. */
const LINE_BEGIN = "A".repeat(64);

/**
 * A text was cut within a secret, of which the first part was replaced: the number of characters at the beginning of `after` that are the
 * rest of the secret. 0 unless `before` ends with a marker.
 */
export function restOfSecret(before: string, after: string): number {
  const marker = before.lastIndexOf("[REDACTED:");
  if (marker === -1) return 0;
  const [match] = before.slice(marker).matchAll(MARKERS);
  if (match === undefined) return 0;
  const [text, rule = ""] = match;
  const gap = before.slice(marker + text.length);
  if (rule === KEY_RULE) return KEY_GAP.test(gap) ? restOfKey(gap, after) : 0;
  if (gap !== "") return 0;
  return lengthOf(VALUE_RULES.has(rule) ? VALUE : TOKEN, after);
}

function restOfKey(gap: string, after: string): number {
  const begin = `${KEY_HEADER}${gap === "" ? `\n${LINE_BEGIN}` : gap}`;
  const text = withoutEscapes(begin + after);
  return Math.max(0, (endOfKey?.(text, 0) ?? 0) - begin.length);
}

function lengthOf(pattern: RegExp, text: string): number {
  return pattern.exec(text)?.[0].length ?? 0;
}
