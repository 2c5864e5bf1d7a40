/** A number that a double may not hold: 16 digits and more, or an exponent of three digits and more. */
const SUSPECT_NUMBER = /[:,[]\s*-?(?:\d{16}|[\d.]+[eE][+-]?\d{3})/;

/**
 * JSON.parse that keeps whole numbers beyond 2^53 as they were written (as JSON.rawJSON, which JSON.stringify writes out
 * again). Numbers too large for a double become Infinity, which the caller has to refuse. Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  if (!SUSPECT_NUMBER.test(text)) return JSON.parse(text);
  try {
    return parseExactly(text);
  } catch (error) {
    // A reviver needs the stack, which a text nested some ten thousand levels deep uses up; parsing alone does not.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
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
