import type { IndexStatistics } from "../db/search/statistics.ts";
import { quoted } from "./lexemes.ts";
import type { QueryTerm } from "./parse-query.ts";
import { allOf, exactly, lexemesOf, loosely, readLexemes, type TsQuery } from "./tsquery.ts";

/** A tsquery with how many documents match it: counted if few, else estimated. */
export type KnownQuery = { query: TsQuery; documents: number };

/** A term of the query. */
export type KnownTerm = {
  term: QueryTerm;
  exact: TsQuery;
  /** In any form. */
  loose: KnownQuery;
  /** In texts that people read or write. */
  read: KnownQuery;
};

/** A rare term is counted up to here; the rarest ones decide what is found first. */
const COUNTED_DOCUMENTS_MAX = 300;

/** Counts the documents that match each query, up to a number. */
export type CountMatches = (queries: readonly TsQuery[], most: number) => Promise<number[]>;

/** Terms with their frequencies: from the statistics where these name them, else counted. */
export async function knowTerms(
  terms: readonly QueryTerm[],
  statistics: IndexStatistics,
  countMatches: CountMatches,
): Promise<KnownTerm[]> {
  const loose = terms.map((term) => ({
    query: loosely(term),
    estimate: term.isPhrase ? null : estimateOf(lexemesOf(term), statistics),
  }));
  const read = terms.map((term) => {
    const lexemes = readLexemes(term);
    const estimate = estimateOf(
      lexemes.map((lexeme) => [lexeme]),
      statistics,
    );
    return { query: allOf(lexemes.map(quoted)), estimate };
  });
  const uncounted = [...loose, ...read].filter(({ estimate }) => estimate === null).map(({ query }) => query);
  const counts = await countMatches(uncounted, COUNTED_DOCUMENTS_MAX);
  // Between what is counted and what the statistics would name, the middle.
  const many = Math.max(COUNTED_DOCUMENTS_MAX, (statistics.floor * statistics.documents) / 2);
  const known = [...loose, ...read].map(({ query, estimate }): KnownQuery => {
    const documents = estimate ?? counts.shift() ?? 0;
    return { query, documents: documents === COUNTED_DOCUMENTS_MAX ? many : documents };
  });
  return terms.map((term, index) => ({
    term,
    exact: exactly(term),
    loose: known[index] ?? NOTHING,
    read: known[terms.length + index] ?? NOTHING,
  }));
}

const NOTHING: KnownQuery = { query: "", documents: 0 };

/** Documents with one form of each lexeme; null where the statistics do not name one. */
function estimateOf(
  lexemes: readonly string[][],
  { frequencies, documents }: IndexStatistics,
): number | null {
  const shares = lexemes.map((forms) => forms.reduce((sum, form) => sum + (frequencies.get(form) ?? 0), 0));
  const rarest = Math.min(1, ...shares);
  return rarest > 0 ? rarest * documents : null;
}

/** How much it says of a document that it has the term: the rarer, the more. */
export function rarity(documents: number, statistics: IndexStatistics): number {
  const all = Math.max(statistics.documents, documents, COUNTED_DOCUMENTS_MAX);
  return Math.log(1 + all / (documents + 1));
}
