/** A text as it may be searched. `offsets[n]`: where the n-th character stands in the original; null: each stands at its place. */
export type View = { text: string; offsets: readonly number[] | null };

/** Colours of a terminal, raw or written out, and written-out escapes such as \n: their last letter would stand before a secret. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are told colours by it.
const ESCAPES = /(?:\x1b|\\+(?:u001b|x1b|033|e))\[[0-9;?]{0,30}[A-Za-z]|\\+(?:u[0-9a-f]{4}|[nrtbfv"'/])/gi;
const PERCENT = /%[0-9a-f]{2}/gi;
const PERCENT_CHARACTERS = 3;
/** A URL in the query of a URL is encoded twice. */
const PERCENT_LEVELS = 2;

/** The text, with spaces in place of escapes, and with the characters that a URL encodes: only those that differ. Linear. */
export function viewsOf(text: string): View[] {
  const views: View[] = [{ text, offsets: null }];
  const visible = withoutEscapes(text);
  if (visible !== text) views.push({ text: visible, offsets: null });
  for (let level = 1, last = views[0]; last !== undefined && level <= PERCENT_LEVELS; level++) {
    last = withoutPercents(last);
    if (last !== undefined) views.push(last);
  }
  return views;
}

/** The text with each `%41` decoded to a character of one byte. */
export function decodePercents(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(PERCENT, (encoded) => String.fromCharCode(Number.parseInt(encoded.slice(1), 16)));
}

/** Each character at its place. */
function withoutEscapes(text: string): string {
  if (!text.includes("\\") && !text.includes("\x1b")) return text;
  return text.replace(ESCAPES, (sequence) => " ".repeat(sequence.length));
}

/** Undefined: nothing is encoded. */
function withoutPercents({ text, offsets }: View): View | undefined {
  const decoded = decodePercents(text);
  if (decoded.length === text.length) return undefined;
  const places: number[] = [];
  let place = 0;
  const copyUntil = (end: number) => {
    for (; place < end; place++) places.push(offsets?.[place] ?? place);
  };
  for (const { index } of text.matchAll(PERCENT)) {
    copyUntil(index + 1);
    place = index + PERCENT_CHARACTERS;
  }
  // The end of the last character, too.
  copyUntil(text.length + 1);
  return { text: decoded, offsets: places };
}
