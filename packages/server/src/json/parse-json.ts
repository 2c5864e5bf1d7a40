import {
  closes,
  countValues,
  endOfString,
  holdsLongNumber,
  mayHoldIndexKeys,
  opens,
  QUOTE,
} from "./json-text.ts";

/** A number that a double may not hold: 16 digits and more, 200 zeros after the point, or an exponent of three digits and more. */
const SUSPECT_NUMBER = /[:,[]\s*-?\d(?:\d{15}|\.0{200}|[\d.]*[eE][+-]?\d{3})/;

/** Above the largest depth that may be allowed to an event (LIMIT_CEILINGS.json_depth), with what a batch is around it. */
const DEPTH_MAX = 1_100;

/**
 * Up to this length a text with any values is parsed within 160 ms, unless keys are array indexes, and counting them would
 * cost as much as parsing.
 */
export const UNCOUNTED_CHARACTERS_MAX = 1024 * 1024;
/** A reviver costs up to 2 µs a value, ten times as much as parsing. */
export const EXACT_VALUES_MAX = 60_000;
/** A value and its comma. */
const VALUE_CHARACTERS_MIN = 2;

/** To read one of 16 million digits, and to write it again, takes longer than other requests may wait. */
const DIGITS_MAX = 1_000_000;

/** A JSON text with more values than may be parsed at once. */
export class TooManyValuesError extends Error {
  readonly values_max: number;

  constructor(values_max: number) {
    super(`The text holds more than ${values_max} JSON values.`);
    this.name = "TooManyValuesError";
    this.values_max = values_max;
  }
}

/**
 * As parseJson, for a text that a client sent: its values are counted before it is parsed. Throws TooManyValuesError for a text of
 * more than 1 MiB with more than `values_max` of them, or with more than EXACT_VALUES_MAX when its numbers have to be read exactly.
 */
export function parseReceivedJson(text: string, values_max: number): unknown {
  countReceivedJson(text, values_max);
  return planReceivedJson(text)();
}

/**
 * The first of three steps of parseReceivedJson, between which other requests may have a turn: of 16 MiB of white space, this one
 * takes 150 ms, and so does the second. Throws TooManyValuesError.
 */
export function countReceivedJson(text: string, values_max: number): void {
  if (mayBeCostly(text)) requireFewValues(text, values_max);
}

/** The second step, for a text that was counted. It returns the third, which parses the text. */
export function planReceivedJson(text: string): () => unknown {
  if (!SUSPECT_NUMBER.test(text)) return () => JSON.parse(text);
  if (text.length > DIGITS_MAX && holdsLongNumber(text, DIGITS_MAX))
    throw new SyntaxError(`The text holds a number of more than ${DIGITS_MAX} digits.`);
  if (text.length <= EXACT_VALUES_MAX * VALUE_CHARACTERS_MIN) return () => parseSuspect(text);
  // A single event nested a hundred thousand levels deep must not refuse the others of its batch.
  const shallow = countValues(text, EXACT_VALUES_MAX) > EXACT_VALUES_MAX ? withoutDepths(text) : text;
  requireFewValues(shallow, EXACT_VALUES_MAX);
  return () => parseSuspect(shallow);
}

/** Whether the values of a text have to be counted before it is parsed. */
export function mayBeCostly(text: string): boolean {
  return text.length > UNCOUNTED_CHARACTERS_MAX || mayHoldIndexKeys(text);
}

function requireFewValues(text: string, values_max: number): void {
  if (countValues(text, values_max) > values_max) throw new TooManyValuesError(values_max);
}

/**
 * JSON.parse that keeps whole numbers beyond 2^53 as they were written (as JSON.rawJSON, which JSON.stringify writes out
 * again). Numbers too large for a double become Infinity, and those too small for one NaN: the caller has to refuse both.
 * Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  return SUSPECT_NUMBER.test(text) ? parseSuspect(text) : JSON.parse(text);
}

function parseSuspect(text: string): unknown {
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
 * while all other numbers stay exact.
 */
function withoutDepths(text: string): string {
  let kept = "";
  let copied = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (opens(character)) {
      if (depth++ === DEPTH_MAX) kept += text.slice(copied, at + 1);
    } else if (closes(character)) {
      if (--depth === DEPTH_MAX) copied = at;
    }
  }
  return kept + text.slice(copied);
}

function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined) return value;
    if (value === 0) return isWrittenAsZero(source) ? value : Number.NaN;
    const isUnsafeInteger = Number.isFinite(value) && !Number.isSafeInteger(value);
    return isUnsafeInteger && /^-?\d+$/.test(source) ? JSON.rawJSON(source) : value;
  });
}

function isWrittenAsZero(source: string): boolean {
  return /^-?[0.]+(?:[eE]|$)/.test(source);
}
