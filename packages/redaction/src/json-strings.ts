/** Programs write JSON into strings of JSON, which others log as JSON. Deeper strings are searched as they are. */
export const JSON_LEVELS_MAX = 4;

/** A string of a JSON text: offsets with its quotes, `end` exclusive. */
export type JsonString = {
  start: number;
  end: number;
  /** Where its member begins, or the string itself. */
  from: number;
  isName: boolean;
  /** Name of the member whose value this string is; null for a name, an element of a list, or the text itself. */
  member: string | null;
};

/**
 * The strings of a JSON text in their order, found without parsing it. Ends at a string that has no end. The text between strings is not
 * checked.
 */
export function* jsonStrings(text: string): Generator<JsonString> {
  let name: string | null = null;
  let nameStart = 0;
  for (let start = text.indexOf('"'); start !== -1; ) {
    const end = endOfString(text, start);
    if (end === -1) return;
    const isName = nextVisible(text, end) === ":";
    yield { start, end, from: name === null ? start : nameStart, isName, member: isName ? null : name };
    nameStart = start;
    name = isName ? decodeJsonString(text.slice(start, end)) : null;
    start = text.indexOf('"', end);
    // Between a name and its string there is nothing but the colon: anything else is the member's value.
    if (name !== null && start !== -1 && text.slice(end, start).trim() !== ":") name = null;
  }
}

/** The value of a JSON string in its quotes; null when it is none. */
export function decodeJsonString(token: string): string | null {
  if (!token.includes("\\")) return token.slice(1, -1);
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return -1;
}

function nextVisible(text: string, from: number): string | undefined {
  let index = from;
  while (text[index] === " " || text[index] === "\t") index++;
  return text[index];
}

/** A decoded escape, or a backslash that begins none. */
const ESCAPE = /\\(?:u([0-9a-f]{4})|([\s\S]))/gi;
const CONTROL_ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** The text with its escapes decoded, in strings and wherever else they stand. */
export function decodeEscapes(text: string): string {
  return text.replace(ESCAPE, (_, hex: string | undefined, character: string) =>
    hex === undefined
      ? (CONTROL_ESCAPES[character] ?? character)
      : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
