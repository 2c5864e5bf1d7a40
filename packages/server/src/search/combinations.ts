import type { KnownQuery } from "./term-frequency.ts";
import { allOf, anyOf } from "./tsquery.ts";

/** Words of a question that are combined: the rarest, for the others are in too many documents. */
const COMBINED_WORDS_MAX = 8;
/** Of which one is enough for the second query. */
const ANY_WORDS_MAX = 4;
/** Words of a question are not independent: together they are more frequent than the product of their shares. */
const DEPENDENCE = 3;

/**
 * Queries for documents with some of the words. The first one is as specific as `documentsMax` documents allow: documents with several
 * rare words, then with fewer or more frequent ones. The second one: documents with any of the rarest words, for sessions that have
 * them far apart.
 */
export function planCombinations(
  words: readonly KnownQuery[],
  documentsInAll: number,
  documentsMax: number,
): KnownQuery[] {
  const rarest = words
    .filter(({ documents }) => documents > 0)
    .sort((a, b) => a.documents - b.documents)
    .slice(0, COMBINED_WORDS_MAX);
  if (rarest.length === 0) return [];
  const all = Math.max(documentsInAll, ...rarest.map(({ documents }) => documents), 1);
  const sets = subsetsOf(rarest)
    .map((set): Combination => ({ words: set, expected: expectedOf(set, all) }))
    .sort((a, b) => a.expected - b.expected || b.words.length - a.words.length);
  let chosen: Combination[] = [];
  for (const set of sets) {
    // With one of its words alone, the documents with more of them are found, too.
    const others = chosen.filter(({ words: more }) => !set.words.every((word) => more.includes(word)));
    if (chosen.length > 0 && sum(others) + set.expected > documentsMax) break;
    chosen = [...others, set];
  }
  const any = rarest.slice(0, ANY_WORDS_MAX);
  return [
    { query: anyOf(chosen.map((set) => allOf(set.words.map(({ query }) => query)))), documents: sum(chosen) },
    {
      query: anyOf(any.map(({ query }) => query)),
      documents: any.reduce((total, { documents }) => total + documents, 0),
    },
  ];
}

type Combination = { words: readonly KnownQuery[]; expected: number };

function sum(combinations: readonly Combination[]): number {
  return combinations.reduce((total, { expected }) => total + expected, 0);
}

function expectedOf(words: readonly KnownQuery[], all: number): number {
  return words.reduce(
    (expected, { documents }, index) =>
      expected * Math.min(1, (documents / all) * (index === 0 ? 1 : DEPENDENCE)),
    all,
  );
}

/** Of one, two and three. */
function subsetsOf<T>(items: readonly T[]): T[][] {
  return items.flatMap((first, i) => [
    [first],
    ...items
      .slice(i + 1)
      .flatMap((second, j) => [
        [first, second],
        ...items.slice(i + j + 2).map((third) => [first, second, third]),
      ]),
  ]);
}
