/** A number that a double may not hold: 16 digits and more, or an exponent of three digits and more. */
const SUSPECT_NUMBER = /[:,[]\s*-?(?:\d{16}|[\d.]+[eE][+-]?\d{3})/;

/** Above the largest depth that may be allowed to an event (LIMIT_CEILINGS.json_depth), with what a batch is around it. */
const DEPTH_MAX = 1_100;

/**
 * JSON.parse that keeps whole numbers beyond 2^53 as they were written (as JSON.rawJSON, which JSON.stringify writes out
 * again). Numbers too large for a double become Infinity, which the caller has to refuse. Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  if (!SUSPECT_NUMBER.test(text)) return JSON.parse(text);
  try {
    return parseExactly(text);
  } catch (error) {
    // A reviver needs the stack, which a text nested some ten thousand levels deep uses up.
    if (error instanceof RangeError) return parseExactly(withoutDepths(text));
    throw error;
  }
}

/**
 * The text with lists and objects left empty that lie deeper than anything may: what holds them is refused all the same,
 * while the numbers beside it stay exact.
 */
function withoutDepths(text: string): string {
  let kept = "";
  let copied = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    if (character === "[" || character === "{") {
      if (depth++ === DEPTH_MAX) kept += text.slice(copied, at + 1);
    }
    if (character === "]" || character === "}") {
      if (--depth === DEPTH_MAX) copied = at;
    }
  }
  return kept + text.slice(copied);
}

/** The place of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context) => {
    const source = context?.source;
    const isUnsafeInteger =
      typeof value === "number" && Number.isFinite(value) && !Number.isSafeInteger(value);
    if (isUnsafeInteger && source !== undefined && /^-?\d+$/.test(source)) return JSON.rawJSON(source);
    return value;
  });
}
