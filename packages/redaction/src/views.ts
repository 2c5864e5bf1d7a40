/** A text as it may be searched. `offsets[n]`: where the n-th character stands in the original; null: each stands at its place. */
export type View = { text: string; offsets: readonly number[] | null };

/**
 * Colours of a terminal, raw or written out, and written-out escapes such as \n: their last letter would stand before a secret. A long run
 * of backslashes would cost quadratic time without a bound.
 */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are told colours by it.
  /(?:\x1b|\\{1,16}(?:u001b|x1b|033|e))\[[0-9;?]{0,30}[A-Za-z]|\\{1,16}(?:u[0-9a-f]{4}|[nrtbfv"'/])/gi;
const PERCENT = /%[0-9a-f]{2}/gi;
/** A URL in the query of a URL is encoded twice. */
const PERCENT_LEVELS = 2;

/** Characters that a reader does not see: they may stand within a secret that was copied. */
const INVISIBLE = /\u034f|[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;

/** Whether the decoded or visible characters may be others than those of the text: where a keyword may hide. `isAscii`: of the text. */
export function hidesCharacters(text: string, isAscii: boolean): boolean {
  if (!isAscii && text.search(INVISIBLE) !== -1) return true;
  if (text.includes("%") && text.search(PERCENT) !== -1) return true;
  return text.includes("\\") && HIDING_ESCAPE.test(text);
}

/** Escapes of ASCII, of slashes and of invisible characters. */
const HIDING_ESCAPE = /\\(?:\/|u(?:00(?:[2-7]|ad)|034f|180e|200[b-f]|202[a-e]|206|feff))/i;

/** The text, with spaces in place of escapes, and with the characters that a URL encodes: only those that differ. Linear. */
export function viewsOf(text: string): View[] {
  const views: View[] = [{ text, offsets: null }];
  const visible = withoutEscapes(text);
  if (visible !== text) views.push({ text: visible, offsets: null });
  const shown = replaced(views[0], INVISIBLE, "");
  if (shown !== undefined) views.push(shown);
  for (let level = 1, last = shown ?? views[0]; last !== undefined && level <= PERCENT_LEVELS; level++) {
    last = replaced(last, PERCENT, decodePercent);
    if (last !== undefined) views.push(last);
  }
  return views;
}

/** The text with each `%41` decoded to a character of one byte. */
export function decodePercents(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(PERCENT, decodePercent);
}

/** The text without characters that a reader does not see. */
export function withoutInvisible(text: string): string {
  return text.replace(INVISIBLE, "");
}

function decodePercent(encoded: string): string {
  return String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
}

/** Each character at its place. */
export function withoutEscapes(text: string): string {
  if (!text.includes("\\") && !text.includes("\x1b")) return text;
  return text.replace(ESCAPES, (sequence) => " ".repeat(sequence.length));
}

/** The view with each match replaced by at most one character. Undefined: nothing matches. */
function replaced(
  view: View | undefined,
  pattern: RegExp,
  by: string | typeof decodePercent,
): View | undefined {
  if (view === undefined || view.text.search(pattern) === -1) return undefined;
  const { text, offsets } = view;
  const pieces: string[] = [];
  const places: number[] = [];
  let place = 0;
  const copyUntil = (end: number) => {
    for (; place < end; place++) places.push(offsets?.[place] ?? place);
  };
  for (const { 0: match, index } of text.matchAll(pattern)) {
    pieces.push(text.slice(place, index));
    copyUntil(index);
    const character = typeof by === "string" ? by : by(match);
    if (character !== "") places.push(offsets?.[index] ?? index);
    pieces.push(character);
    place = index + match.length;
  }
  pieces.push(text.slice(place));
  // The end of the last character, too.
  copyUntil(text.length + 1);
  return { text: pieces.join(""), offsets: places };
}
