import { LRUCache } from "lru-cache";

/** An atom of a text: a word, or a part of an identifier or path. Its lexeme is what the index holds of it. */
export type Atom = { lexeme: string; start: number; end: number };

/** A name of several atoms; `atom` is the index of the first one. */
export type Whole = Atom & { atom: number };

/**
 * A token as written, with its atoms: `fetchSomeData` has `fetch`, `some` and `data`. `wholes` are the names in it that have several
 * atoms: identifiers (also without separators, so that `get_user` is found by `getUser`), file names, the ends of a path, and as the
 * last one the token itself. Offsets are of the text, in UTF-16 units.
 */
export type Token = { atoms: Atom[]; wholes: Whole[] };

/** Of a lexeme. A longer token is found by its first characters: the text and the query are cut alike. */
const LEXEME_CHARACTERS_MAX = 100;
/** Above this many a token is not a name but data, such as base64: it is one atom. */
const ATOMS_PER_SEGMENT_MAX = 24;

/** Ends of a longer path are left out, but for its file name. */
const PATH_ENDS_MAX = 12;

/** What the redaction leaves in place of a secret. */
const REDACTION_MARKER = /\[REDACTED:[^\]\s]{1,100}\]/g;
/** Letters and digits, joined by the characters of names and paths. */
const TOKEN = /[\p{L}\p{M}\p{N}_]+(?:[-./\\]+[\p{L}\p{M}\p{N}_]+)*/gu;
const SEGMENT = /[^/\\]+/g;
const SEPARATORS = /[-_]/g;
const FILE_NAME_PART = /[^./\\]+/g;
const NAME_PART = /[\p{L}\p{M}\p{N}]+/gu;
const PLAIN_WORD = /^[a-z0-9]+$/;
/** Between `fetch` and `Some`, and between `HTTP` and `Server`. */
const CAMEL_CASE = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu;
/** Scripts that do not separate words by spaces. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]+/gu;
const HAS_UNSPACED = new RegExp(UNSPACED.source, "u");
const COMBINING_ACCENTS = /[\u0300-\u036f]/g;

/** Texts repeat their tokens: with the parts of 20,000 remembered, splitting is five times as fast. */
const REMEMBERED_TOKENS = 20_000;
const REMEMBERED_CHARACTERS_MAX = 100;
const remembered = new LRUCache<string, Token>({ max: REMEMBERED_TOKENS });

/** The tokens of a text in their order. Redaction markers are no part of it. */
export function splitText(text: string): Token[] {
  const visible = text.includes("[REDACTED:")
    ? text.replace(REDACTION_MARKER, (marker) => " ".repeat(marker.length))
    : text;
  return Array.from(visible.matchAll(TOKEN), ({ 0: written, index }) =>
    PLAIN_WORD.test(written) ? plainToken(written, index) : movedBy(index, partsOf(written)),
  );
}

function plainToken(written: string, start: number): Token {
  const lexeme = written.slice(0, LEXEME_CHARACTERS_MAX);
  return { atoms: [{ lexeme, start, end: start + written.length }], wholes: [] };
}

function movedBy(offset: number, { atoms, wholes }: Token): Token {
  return {
    atoms: atoms.map(({ lexeme, start, end }) => ({ lexeme, start: start + offset, end: end + offset })),
    wholes: wholes.map(({ lexeme, atom, start, end }) => ({
      lexeme,
      atom,
      start: start + offset,
      end: end + offset,
    })),
  };
}

function partsOf(written: string): Token {
  const known = remembered.get(written);
  if (known !== undefined) return known;
  const token = splitToken(written);
  if (written.length <= REMEMBERED_CHARACTERS_MAX) remembered.set(written, token);
  return token;
}

/** Offsets are of the token. */
function splitToken(written: string): Token {
  const token: Token = { atoms: [], wholes: [] };
  for (const { 0: segment, index } of written.matchAll(SEGMENT)) token.atoms.push(...atomsOf(segment, index));
  addWholes(token, written);
  return token;
}

/** From identifiers to the token; what is one atom, or was added before, is left out. */
function addWholes({ atoms, wholes }: Token, written: string): void {
  const known = new Set(atoms.map(({ lexeme }) => lexeme));
  const starts = atoms.map(({ start }) => start);
  const add = (name: string, start: number, lexeme = lexemeOf(name)) => {
    if (known.has(lexeme)) return;
    known.add(lexeme);
    const atom = firstFrom(starts, start);
    if (atom < starts.length) wholes.push({ lexeme, atom, start, end: start + name.length });
  };
  if (atoms.length > 1) {
    for (const { 0: name, index } of written.matchAll(NAME_PART)) add(name, index);
    for (const { 0: name, index } of written.matchAll(FILE_NAME_PART)) {
      add(name, index, lexemeOf(name.replace(SEPARATORS, "")));
      add(name, index);
    }
    const segments = [...written.matchAll(SEGMENT)];
    for (const { 0: name, index } of segments) add(name, index);
    for (const { index } of segments.slice(-PATH_ENDS_MAX).reverse()) add(written.slice(index), index);
  }
  add(written, 0);
}

/** The index of the first of these sorted numbers that is not smaller. */
function firstFrom(sorted: readonly number[], least: number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] ?? 0) < least) from = middle + 1;
    else to = middle;
  }
  return from;
}

function atomsOf(segment: string, start: number): Atom[] {
  const atoms: Atom[] = [];
  for (const { 0: part, index } of segment.matchAll(NAME_PART))
    for (const { text, offset } of piecesOf(part)) addAtoms(atoms, text, start + index + offset);
  const isName = atoms.length > 0 && (atoms.length <= ATOMS_PER_SEGMENT_MAX || HAS_UNSPACED.test(segment));
  return isName ? atoms : [{ lexeme: lexemeOf(segment), start, end: start + segment.length }];
}

/** Parts of camelCase, each within one kind of script. */
function piecesOf(part: string): { text: string; offset: number }[] {
  let offset = 0;
  return part.split(CAMEL_CASE).map((text) => {
    const piece = { text, offset };
    offset += text.length;
    return piece;
  });
}

function addAtoms(atoms: Atom[], piece: string, start: number): void {
  let end = 0;
  for (const { 0: run, index } of piece.matchAll(UNSPACED)) {
    addAtom(atoms, piece.slice(end, index), start + end);
    addBigrams(atoms, run, start + index);
    end = index + run.length;
  }
  addAtom(atoms, piece.slice(end), start + end);
}

function addAtom(atoms: Atom[], written: string, start: number): void {
  if (written !== "") atoms.push({ lexeme: lexemeOf(written), start, end: start + written.length });
}

/** `日本語` is `日本`, `本語` and `語`: a query of one character finds it by the beginning of a bigram. */
function addBigrams(atoms: Atom[], run: string, start: number): void {
  const characters = [...run];
  let offset = start;
  characters.forEach((character, index) => {
    const bigram = character + (characters[index + 1] ?? "");
    atoms.push({ lexeme: lexemeOf(bigram), start: offset, end: offset + bigram.length });
    offset += character.length;
  });
}

/** In lower case and without accents: `Café` is `cafe`. */
function lexemeOf(written: string): string {
  const lower = written.toLowerCase();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a text of ASCII alone is the frequent case.
  const folded = /^[\x00-\x7f]*$/.test(lower)
    ? lower
    : lower.normalize("NFKD").replace(COMBINING_ACCENTS, "").normalize("NFC");
  return folded.slice(0, LEXEME_CHARACTERS_MAX).toWellFormed();
}
