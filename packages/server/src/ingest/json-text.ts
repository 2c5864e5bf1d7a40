export const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** indexOf is faster than a loop from about this length on. */
const SHORT_STRING_CHARACTERS = 32;

export const opens = (character: number) => character === OPEN_BRACKET || character === OPEN_BRACE;
export const closes = (character: number) => character === CLOSE_BRACKET || character === CLOSE_BRACE;

/**
 * An upper bound of the values in a JSON text, found without parsing it: items, members, lists and objects. Stops counting above
 * `max`. About 1 ns a character outside of long strings.
 */
export function countValues(text: string, max: number): number {
  let values = 1;
  for (let at = 0; at < text.length && values <= max; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (character === COMMA || opens(character)) values += 1;
  }
  return values;
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
