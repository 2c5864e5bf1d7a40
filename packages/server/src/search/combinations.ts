import { allOf, anyOf, type TsQuery } from "./tsquery.ts";

/** Words of a question that are combined: the rarest, for the others are in too many documents. */
const COMBINED_TERMS_MAX = 8;
/** Words of a question are not independent: together they are more frequent than the product of their shares. */
const DEPENDENCE = 3;

export type Combined = { loose: TsQuery; documents: number };

/**
 * A query for documents with some of the words, as specific as `documentsMax` documents allow: first with several rare words, then with
 * fewer or more frequent ones. One query, because each would read the same lists of documents.
 */
export function planCombinations(
  terms: readonly Combined[],
  documentsInAll: number,
  documentsMax: number,
): { query: TsQuery; expected: number } {
  const found = terms.filter(({ documents }) => documents > 0);
  const rarest = [...found].sort((a, b) => a.documents - b.documents).slice(0, COMBINED_TERMS_MAX);
  const all = Math.max(documentsInAll, ...rarest.map(({ documents }) => documents), 1);
  const sets = subsetsOf(rarest)
    .map((set) => ({ set, expected: expectedOf(set, all) }))
    .sort((a, b) => a.expected - b.expected || b.set.length - a.set.length);
  const chosen: TsQuery[] = [];
  let expected = 0;
  for (const { set, expected: more } of sets) {
    if (chosen.length > 0 && expected + more > documentsMax) break;
    expected += more;
    chosen.push(allOf(set.map(({ loose }) => loose)));
  }
  return { query: anyOf(chosen), expected };
}

function expectedOf(set: readonly Combined[], all: number): number {
  return set.reduce(
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
