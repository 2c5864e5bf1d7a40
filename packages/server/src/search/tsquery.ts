import { quoted, READ_MARK, STEM_MARK, stemOf } from "./lexemes.ts";
import type { QueryTerm } from "./parse-query.ts";
import type { Atom, Token } from "./split-text.ts";

/** Text of a tsquery; every lexeme in it is quoted, so that no character of a query is an operator. */
export type TsQuery = string;

/** Shorter beginnings of words are in too many texts. */
const PREFIX_CHARACTERS_MIN = 3;

/** The term as written: each name or path whole, a phrase with its words next to each other. */
export function exactly(term: QueryTerm): TsQuery {
  if (term.isPhrase) return adjacent(term.tokens.flatMap(({ atoms }) => atoms));
  return allOf(term.tokens.map(exactToken));
}

/** The term in any form: words by their stem or beginning, names by their parts in order, or as one of `others`. */
export function loosely(term: QueryTerm, others: readonly string[] = []): TsQuery {
  if (term.isPhrase) return exactly(term);
  return anyOf([allOf(term.tokens.map(looseToken)), ...others.map(quoted), ...beginningOf(term)]);
}

function beginningOf({ isBeginning = false, tokens }: QueryTerm): TsQuery[] {
  const lexeme = tokens.length === 1 ? tokens[0]?.atoms[0]?.lexeme : undefined;
  const isWord = tokens[0]?.atoms.length === 1;
  return isBeginning && isWord && lexeme !== undefined ? [beginningWith(lexeme)] : [];
}

/** The lexemes of a term in texts that people read or write, each of which it has. */
export function readLexemes({ tokens }: QueryTerm): string[] {
  return tokens.flatMap(({ atoms }) => searchedAtoms(atoms).map(({ lexeme }) => READ_MARK + stemOf(lexeme)));
}

/** The lexemes by which a term is found as a whole, whose frequencies add up to its own at most. */
export function lexemesOf({ tokens }: QueryTerm): string[][] {
  return tokens.map(({ atoms, wholes }) => {
    const whole = wholes.at(-1)?.lexeme;
    const [first, ...others] = searchedAtoms(atoms);
    if (first === undefined) return [];
    return others.length > 0 ? [whole ?? first.lexeme] : formsOf(first.lexeme);
  });
}

function exactToken({ atoms, wholes }: Token): TsQuery {
  const whole = wholes.at(-1)?.lexeme;
  return whole === undefined ? adjacent(atoms) : quoted(whole);
}

/** A name by its beginning, with or without separators; no phrase of its atoms, for which Postgres reads each vector with them. */
function looseToken({ atoms, wholes }: Token): TsQuery {
  const searched = searchedAtoms(atoms);
  const [first, ...others] = searched;
  const whole = wholes.at(-1)?.lexeme;
  if (first === undefined) return "";
  if (others.length === 0 && isSingleSymbol(first)) return beginningWith(first.lexeme);
  if (others.length === 0 && whole === undefined) return anyOf(formsOf(first.lexeme).map(quoted));
  if (whole === undefined || atoms.some(({ lexeme }) => isSymbols(lexeme))) return adjacent(atoms);
  return anyOf([whole, whole.replaceAll(/[-_]/g, "")].map(beginningWith));
}

function formsOf(word: string): string[] {
  const stem = stemOf(word);
  return [...new Set([word, stem, STEM_MARK + stem])];
}

/** A single character of a script without spaces is the beginning of a bigram. */
function isSingleSymbol({ lexeme }: Atom): boolean {
  return /^\P{ASCII}$/u.test(lexeme);
}

/** A bigram of a script without spaces. */
function isSymbols(lexeme: string): boolean {
  return /^\p{Lo}{1,2}$/u.test(lexeme);
}

function beginningWith(lexeme: string): TsQuery {
  return lexeme.length >= PREFIX_CHARACTERS_MIN || !/^[\x20-\x7e]*$/.test(lexeme)
    ? `${quoted(lexeme)}:*`
    : quoted(lexeme);
}

function adjacent(atoms: readonly Atom[]): TsQuery {
  const searched = searchedAtoms(atoms);
  const [only] = searched;
  if (searched.length === 1 && only !== undefined && isSingleSymbol(only)) return beginningWith(only.lexeme);
  return searched.length === 0
    ? ""
    : grouped(
        searched.map(({ lexeme }) => quoted(lexeme)),
        " <-> ",
      );
}

/** Without the last character of a run of bigrams, which is in the bigram before. */
function searchedAtoms(atoms: readonly Atom[]): Atom[] {
  return atoms.filter(({ end }, index) => {
    const before = atoms[index - 1];
    return before === undefined || end > before.end;
  });
}

export function allOf(parts: readonly TsQuery[]): TsQuery {
  return grouped(parts, " & ");
}

export function anyOf(parts: readonly TsQuery[]): TsQuery {
  return grouped(parts, " | ");
}

export function noneOf(parts: readonly TsQuery[]): TsQuery[] {
  return parts.filter((part) => part !== "").map((part) => `!${part}`);
}

function grouped(parts: readonly TsQuery[], operator: string): TsQuery {
  const distinct = [...new Set(parts)].filter((part) => part !== "");
  return distinct.length <= 1 ? (distinct[0] ?? "") : `(${distinct.join(operator)})`;
}
