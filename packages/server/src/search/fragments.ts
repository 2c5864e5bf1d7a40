import { stemOf } from "./lexemes.ts";
import type { QueryTerm } from "./parse-query.ts";
import { type Atom, splitText, type Token } from "./split-text.ts";

/** A part of a text with the offsets of what was found in it, in UTF-16 units: plain text, never markup. */
export type Fragment = { text: string; marks: [number, number][] };

const FRAGMENTS_MAX = 3;
const FRAGMENT_CHARACTERS = 200;
/** Before the first mark of a fragment. */
const LEAD_CHARACTERS = 40;
/** A mark with more is shown in part. */
const MARKS_MAX = 2_000;

type Mark = { start: number; end: number; term: number };

/** Parts of the text around what was found, those with the most different words first; without any, its beginning. */
export function fragmentsOf(
  text: string,
  terms: readonly QueryTerm[],
  otherWords: readonly string[],
): Fragment[] {
  const marks = marksOf(text, terms, otherWords);
  const groups = groupsOf(marks)
    .map((group) => ({ group, words: new Set(group.map(({ term }) => term)).size }))
    .sort((a, b) => b.words - a.words)
    .slice(0, FRAGMENTS_MAX)
    .map(({ group }) => group)
    .sort((a, b) => (a[0]?.start ?? 0) - (b[0]?.start ?? 0));
  return groups.length === 0 ? [cutAround(text, [])] : groups.map((group) => cutAround(text, group));
}

function marksOf(text: string, terms: readonly QueryTerm[], otherWords: readonly string[]): Mark[] {
  const tokens = splitText(text);
  const atoms = tokens.flatMap((token) => token.atoms);
  const names = tokens.flatMap((token) => [...token.wholes, ...token.atoms]);
  const others = new Set(otherWords);
  const marks: Mark[] = names
    .filter(({ lexeme }) => others.has(lexeme))
    .map((name) => ({ ...name, term: -1 }));
  terms.forEach((term, index) => {
    for (const pattern of patternsOf(term)) marks.push(...sequences(atoms, pattern, index));
    const wanted = namesOf(term);
    marks.push(...names.filter(({ lexeme }) => wanted.has(lexeme)).map((name) => ({ ...name, term: index })));
  });
  return withoutOverlaps(marks.slice(0, MARKS_MAX));
}

/** The names of a term as written: `typeerror` is the name of `TypeError`. */
function namesOf({ isPhrase, tokens }: QueryTerm): Set<string> {
  if (isPhrase) return new Set();
  return new Set(tokens.flatMap(({ wholes, atoms }) => wholes.at(-1)?.lexeme ?? atoms[0]?.lexeme ?? []));
}

type Pattern = { atoms: readonly Atom[]; isLoose: boolean; isBeginning: boolean };

function patternsOf({ isPhrase, tokens, isBeginning = false }: QueryTerm): Pattern[] {
  if (isPhrase) return [{ atoms: tokens.flatMap(({ atoms }) => atoms), isLoose: false, isBeginning: false }];
  return tokens.map(({ atoms }: Token) => ({ atoms, isLoose: true, isBeginning }));
}

/** Where atoms of the text are those of the pattern, one after the other; the last one of a name may continue. */
function sequences(atoms: readonly Atom[], pattern: Pattern, term: number): Mark[] {
  const { atoms: wanted, isLoose, isBeginning } = pattern;
  const [first] = wanted;
  if (first === undefined) return [];
  const isOneWord = wanted.length === 1;
  return atoms.flatMap((atom, index) => {
    const isFound = wanted.every(({ lexeme }, offset) => {
      const found = atoms[index + offset]?.lexeme ?? "";
      if (found === lexeme) return true;
      if (isLoose && isOneWord)
        return stemOf(found) === stemOf(lexeme) || (isBeginning && found.startsWith(lexeme));
      return isLoose && offset === wanted.length - 1 && found.startsWith(lexeme);
    });
    const last = atoms[index + wanted.length - 1];
    return isFound && last !== undefined ? [{ start: atom.start, end: last.end, term }] : [];
  });
}

function withoutOverlaps(marks: readonly Mark[]): Mark[] {
  const sorted = [...marks].sort((a, b) => a.start - b.start || b.end - a.end);
  const kept: Mark[] = [];
  for (const mark of sorted) if (mark.start >= (kept.at(-1)?.end ?? 0)) kept.push(mark);
  return kept;
}

/** Marks that have room in one fragment. */
function groupsOf(marks: readonly Mark[]): Mark[][] {
  const groups: Mark[][] = [];
  for (const mark of marks) {
    const group = groups.at(-1);
    const start = group?.[0]?.start;
    const hasRoom = start !== undefined && mark.end - start <= FRAGMENT_CHARACTERS - 2 * LEAD_CHARACTERS;
    if (hasRoom) group?.push(mark);
    else groups.push([mark]);
  }
  return groups;
}

function cutAround(text: string, group: readonly Mark[]): Fragment {
  const first = group[0]?.start ?? 0;
  const from = atSpace(text, Math.max(0, first - LEAD_CHARACTERS), first);
  const cutAt = Math.min(text.length, from + FRAGMENT_CHARACTERS);
  const to = isLowSurrogate(text, cutAt) ? cutAt - 1 : cutAt;
  return {
    text: text.slice(from, to),
    marks: group
      .filter(({ start }) => start < to)
      .map(({ start, end }) => [start - from, Math.min(end, to) - from]),
  };
}

/** Behind the first space between two places, or the first one of them. */
function atSpace(text: string, from: number, to: number): number {
  if (from === 0) return 0;
  const space = /\s/.exec(text.slice(from, to));
  const start = space === null ? from : from + space.index + 1;
  return isLowSurrogate(text, start) ? start + 1 : start;
}

function isLowSurrogate(text: string, index: number): boolean {
  return index < text.length && /[\udc00-\udfff]/.test(text.charAt(index));
}
