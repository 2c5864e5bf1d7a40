export const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const DIGIT_ZERO = 0x30;
const DIGIT_NINE = 0x39;
/** Below the index from which on JavaScriptCore allocates by the number of keys. */
const DENSE_INDEX = /^(?:0|[1-9]\d{0,2})$/;
const ESCAPED_DIGIT = /\\u003(\d)/g;
/** Three digits, each written as an escape. */
const INDEX_CHARACTERS_MAX = 18;
const SIGN_OF_INDEX_KEY = /[{,]\s*"(?:\d|\\u)/;
const WHITE_SPACE_AND_COLON = /\s*:/y;
/** indexOf is faster than a loop from about this length on. */
const SHORT_STRING_CHARACTERS = 32;

export const opens = (character: number): boolean => character === OPEN_BRACKET || character === OPEN_BRACE;
export const closes = (character: number): boolean =>
  character === CLOSE_BRACKET || character === CLOSE_BRACE;

/**
 * What a JSON text takes to be held in memory, found without parsing it: an upper bound of its values (items, members, lists and
 * objects), and the slots that its keys allocate (see slotsOf). Stops counting above `max`. About 1 ns a character outside of long
 * strings.
 */
export function countValues(text: string, max: number): number {
  const slotsOfOpen: number[] = [];
  let values = 1;
  for (let at = 0; at < text.length && values <= max; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      const end = endOfString(text, at);
      if (mayBeginIndex(text.charCodeAt(at + 1))) values += growSlots(slotsOfOpen, slotsOf(text, at, end));
      at = end;
    } else if (character === COMMA) values += 1;
    else if (opens(character)) {
      values += 1;
      if (character === OPEN_BRACE) slotsOfOpen.push(0);
    } else if (character === CLOSE_BRACE) slotsOfOpen.pop();
  }
  return values;
}

/** Whether a key of the text may be an array index. False alarms are possible, misses are not. */
export function mayHoldIndexKeys(text: string): boolean {
  return SIGN_OF_INDEX_KEY.test(text);
}

function mayBeginIndex(character: number): boolean {
  return character === BACKSLASH || (character >= DIGIT_ZERO && character <= DIGIT_NINE);
}

/** How many more slots the innermost object has now. */
function growSlots(slotsOfOpen: number[], slots: number): number {
  const before = slotsOfOpen.at(-1) ?? 0;
  if (slots <= before) return 0;
  slotsOfOpen[slotsOfOpen.length - 1] = slots;
  return slots - before;
}

/**
 * The slots that an object allocates for a key: JavaScriptCore holds keys that are array indexes as a list does, with a slot of eight
 * bytes for each index below, so that `{"999":0}` takes 8 KB. From 1,000 on it allocates some eight slots for each key that there
 * is, which its value accounts for. Zero for a text that is no such key.
 */
function slotsOf(text: string, start: number, end: number): number {
  if (end - start - 1 > INDEX_CHARACTERS_MAX || !isKey(text, end)) return 0;
  const key = text.slice(start + 1, end).replace(ESCAPED_DIGIT, "$1");
  return DENSE_INDEX.test(key) ? Number(key) + 1 : 0;
}

function isKey(text: string, end: number): boolean {
  WHITE_SPACE_AND_COLON.lastIndex = end + 1;
  return WHITE_SPACE_AND_COLON.test(text);
}

/** Whether more than `digits_max` digits stand in a row outside of strings. A pattern for it would take quadratic time. */
export function holdsLongNumber(text: string, digits_max: number): boolean {
  let digits = 0;
  for (let at = 0; at < text.length && digits <= digits_max; at++) {
    const character = text.charCodeAt(at);
    digits = character >= DIGIT_ZERO && character <= DIGIT_NINE ? digits + 1 : 0;
    if (character === QUOTE) at = endOfString(text, at);
  }
  return digits > digits_max;
}

/** The position of the quote that ends the string which begins at `start`; the text's length when none does. */
export function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    for (const searchFrom = at + SHORT_STRING_CHARACTERS; at < searchFrom; at++) {
      const character = text.charCodeAt(at);
      if (character === QUOTE) return at;
      if (character === BACKSLASH) at += 1;
    }
    const quote = text.indexOf('"', at);
    if (quote === -1) return text.length;
    if (!isEscaped(text, at, quote)) return quote;
    at = quote + 1;
  }
}

/** Whether an odd number of backslashes stands before `position`; those before `from` belong to other escapes. */
function isEscaped(text: string, from: number, position: number): boolean {
  let at = position;
  while (at > from && text.charCodeAt(at - 1) === BACKSLASH) at -= 1;
  return (position - at) % 2 === 1;
}
