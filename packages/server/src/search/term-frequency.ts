import type { IndexStatistics } from "../db/search/statistics.ts";
import type { QueryTerm } from "./parse-query.ts";
import { exactly, lexemesOf, loosely, type TsQuery } from "./tsquery.ts";

/** A term of the query with how many documents have it, as far as known. */
export type KnownTerm = {
  term: QueryTerm;
  exact: TsQuery;
  loose: TsQuery;
  /** Documents that match `loose`: counted if few, else estimated. */
  documents: number;
};

/** A rare term is counted up to here; the rarest ones decide what is found first. */
export const COUNTED_DOCUMENTS_MAX = 300;

/** The estimate of a term that the statistics know as frequent; null for all others. */
export function estimateOf(term: QueryTerm, { frequencies, documents }: IndexStatistics): number | null {
  const shares = lexemesOf(term).map((forms) =>
    forms.reduce((sum, form) => sum + (frequencies.get(form) ?? 0), 0),
  );
  const rarest = Math.min(1, ...shares);
  return rarest > 0 && !term.isPhrase ? rarest * documents : null;
}

/** `counted`: of the terms without an estimate, in their order, up to COUNTED_DOCUMENTS_MAX. */
export function knownTerms(
  terms: readonly QueryTerm[],
  counted: readonly number[],
  statistics: IndexStatistics,
): KnownTerm[] {
  const counts = [...counted];
  // Between what is counted and what the statistics would list, the middle.
  const uncounted = Math.max(COUNTED_DOCUMENTS_MAX, (statistics.floor * statistics.documents) / 2);
  return terms.map((term) => {
    const documents = estimateOf(term, statistics) ?? counts.shift() ?? 0;
    const isCut = documents === COUNTED_DOCUMENTS_MAX;
    return { term, exact: exactly(term), loose: loosely(term), documents: isCut ? uncounted : documents };
  });
}

/** How much it says of a document that it has the term: the rarer, the more. */
export function rarity(documents: number, statistics: IndexStatistics): number {
  const all = Math.max(statistics.documents, documents, COUNTED_DOCUMENTS_MAX);
  return Math.log(1 + all / (documents + 1));
}
