import type { Sql } from "../db/postgres.ts";
import { type Candidate, type CandidateQuery, findCandidates } from "../db/search/candidates.ts";
import type { TimeSpan } from "../db/search/statistics.ts";
import { filterLexeme, quoted } from "./lexemes.ts";
import { allOf, anyOf } from "./tsquery.ts";

/** So many documents are ranked: to look at each takes some 0.05 ms. */
const RANKED_DOCUMENTS_MAX = 1_000;
/** Up to so many matches all are found and sorted by time; of more, those of the newest days are looked for first. */
const MATCHES_AT_ONCE_MAX = 4_000;
/** A day is a lexeme; of a longer time, what is left is looked for at once. */
const DAYS_AT_ONCE_MAX = 400;
/** With so many, older ones are not looked for where that means to read the whole list of a frequent word. */
const ENOUGH_WITHOUT_REST = 250;
const DAY_MS = 86_400_000;
/** Each document is of a kind. */
const ANY_DOCUMENT = `${quoted(filterLexeme("is", ""))}:*`;

export type Newest = {
  candidates: Candidate[];
  /** There are older ones that match, too. */
  isCut: boolean;
};

export type Expected = {
  /** Documents that match at most: those with the rarest of the words. */
  most: number;
  /** Documents that are likely to match. */
  likely: number;
};

/** All documents. */
export type Whole = { span: NonNullable<TimeSpan>; documents: number };

/**
 * The newest documents that match. A frequent word is in so many that the index alone would take seconds to list them: then days are
 * added to the query, from the newest on, which the index can skip by.
 */
export async function findNewest(
  sql: Sql,
  query: CandidateQuery,
  { most, likely }: Expected,
  { span, documents }: Whole,
): Promise<Newest> {
  const limit = RANKED_DOCUMENTS_MAX + 1;
  const findAny = (any: CandidateQuery, at_most: number) =>
    findCandidates(sql, any.query === "" ? { ...any, query: ANY_DOCUMENT } : any, at_most);
  if (most <= MATCHES_AT_ONCE_MAX) return cut(await findAny(query, limit));
  const first = dayOf(laterOf(span.oldest, query.after));
  let last = dayOf(earlierOf(span.newest, query.before));
  const inAll = Math.max(1, dayOf(span.newest) - dayOf(span.oldest) + 1);
  let days = Math.ceil((inAll * 2 * limit) / Math.max(likely, 1));
  const candidates: Candidate[] = [];
  while (last >= first && candidates.length < limit) {
    // Beyond that, the list of the rarest word is shorter than those of the days.
    const isRest = days > DAYS_AT_ONCE_MAX || (days / inAll) * documents >= most;
    if (isRest && candidates.length >= ENOUGH_WITHOUT_REST) return { candidates, isCut: true };
    const begin = isRest ? first : Math.max(first, last - days + 1);
    const found = isRest
      ? { ...query, before: last < dayOf(span.newest) ? timeOf(last + 1) : query.before }
      : { ...query, query: allOf([query.query, anyOf(daysBetween(begin, last))]) };
    candidates.push(...(await findAny(found, limit - candidates.length)));
    last = begin - 1;
    days *= 4;
  }
  return cut(candidates);
}

function cut(candidates: Candidate[]): Newest {
  return {
    candidates: candidates.slice(0, RANKED_DOCUMENTS_MAX),
    isCut: candidates.length > RANKED_DOCUMENTS_MAX,
  };
}

/** Days since 1970 in UTC. */
function dayOf(time: string): number {
  return Math.floor(Date.parse(time) / DAY_MS);
}

function timeOf(day: number): string {
  return new Date(day * DAY_MS).toISOString();
}

function daysBetween(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) =>
    quoted(filterLexeme("day", timeOf(last - index).slice(0, "2026-03-14".length))),
  );
}

function laterOf(a: string, b: string | null): string {
  return b !== null && Date.parse(b) > Date.parse(a) ? b : a;
}

function earlierOf(a: string, b: string | null): string {
  return b !== null && Date.parse(b) < Date.parse(a) ? b : a;
}
