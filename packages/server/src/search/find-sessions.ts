import type { SearchTier } from "@wharf/protocol";
import type { Sql } from "../db/postgres.ts";
import { countMatches } from "../db/search/candidates.ts";
import { type IndexStatistics, readTimeSpan, type TimeSpan } from "../db/search/statistics.ts";
import { closeSpellings, namesWithPart } from "./close-spellings.ts";
import { planCombinations } from "./combinations.ts";
import { type ResolvedFilters, resolveFilters } from "./filter-query.ts";
import { type Expected, findNewest, type Newest } from "./newest-first.ts";
import type { SearchQuery } from "./parse-query.ts";
import { type RankedSession, rankSessions } from "./rank.ts";
import { type KnownQuery, type KnownTerm, knowTerms, rarity } from "./term-frequency.ts";
import { allOf, anyOf, loosely, type TsQuery } from "./tsquery.ts";

/** A session with the tier in which it was found, and other words by which it may have been found. */
export type FoundSession = RankedSession & { tier: SearchTier };

export type FoundSessions = {
  sessions: FoundSession[];
  /** So many documents match that older ones were not ranked. */
  isCut: boolean;
  /** Names and spellings that stood in for words of the query. */
  otherWords: string[];
};

/** Documents that combinations of words are expected in: with more, they are less specific, and the right session is found less often. */
const COMBINED_DOCUMENTS_MAX = 300;

type Search = {
  sql: Sql;
  statistics: IndexStatistics;
  span: NonNullable<TimeSpan>;
  filters: ResolvedFilters;
  terms: KnownTerm[];
  /** Names and spellings that stand in for a term, in this tier. */
  others: Map<KnownTerm, string[]>;
};

/**
 * Sessions that match, each by its best document: first those with all words as written, then with all words in any form, then with
 * some of the words, then with words of a close spelling. A tier is looked at while there are less than `enough` sessions.
 */
export async function findSessions(
  sql: Sql,
  statistics: IndexStatistics,
  query: SearchQuery,
  enough: number,
): Promise<FoundSessions> {
  const found: FoundSessions = { sessions: [], isCut: false, otherWords: [] };
  const [span, filters, terms] = await Promise.all([
    readTimeSpan(sql),
    resolveFilters(sql, query),
    knowTerms(query.terms, statistics, (queries, most) => countMatches(sql, queries, most)),
  ]);
  if (span === null || (terms.length === 0 && !hasFilter(filters))) return found;
  const search: Search = { sql, statistics, span, filters, terms, others: new Map() };
  for (const [tier, find] of TIERS) {
    if (found.sessions.length >= enough) break;
    search.others.clear();
    const newest = await find(search);
    found.otherWords.push(...[...search.others.values()].flat());
    if (newest === null) continue;
    add(found, tier, rank(search, newest));
    found.isCut ||= newest.isCut;
  }
  return found;
}

const TIERS: readonly [SearchTier, (search: Search) => Promise<Newest | null>][] = [
  ["exact", (search) => findAll(search, ({ exact }) => exact)],
  ["all_words", findAllWords],
  ["any_word", findSomeWords],
  ["close_spelling", findCloseSpellings],
];

function hasFilter({ parts, sessions, after, before }: ResolvedFilters): boolean {
  return parts.length > 0 || sessions !== null || after !== null || before !== null;
}

/** Documents with all terms; null where a term is nowhere. */
async function findAll(search: Search, formOf: (term: KnownTerm) => TsQuery): Promise<Newest | null> {
  const { terms, statistics, others } = search;
  if (terms.some((term) => term.loose.documents === 0 && (others.get(term) ?? []).length === 0)) return null;
  const all = Math.max(statistics.documents, 1);
  const most = Math.min(statistics.documents, ...terms.map(({ loose }) => loose.documents));
  const likely = terms.reduce((expected, { loose }) => expected * Math.min(1, loose.documents / all), all);
  return await newest(search, allOf(terms.map(formOf)), { most, likely });
}

/** What is no word of any text may be a part of a name. */
async function findAllWords(search: Search): Promise<Newest | null> {
  const { terms, others } = search;
  if (terms.length === 0) return null;
  for (const term of terms.filter(({ term: { tokens }, loose }) => loose.documents === 0 || isName(tokens))) {
    const names = await namesWithPart(search.sql, term);
    if (names.length > 0) others.set(term, names);
  }
  return await findAll(search, (term) => formOf(search, term));
}

function isName(tokens: KnownTerm["term"]["tokens"]): boolean {
  return tokens.length === 1 && tokens.every(({ wholes }) => wholes.length > 0);
}

/** In texts that people read or write; what is only in code and output, such as an error's number, where it is. */
async function findSomeWords(search: Search): Promise<Newest | null> {
  const { terms, statistics } = search;
  if (terms.length < 2) return null;
  const words = terms.map(
    (term): KnownQuery => (term.read.documents > 0 ? term.read : rareForm(search, term)),
  );
  const found: Newest = { candidates: [], isCut: false };
  for (const { query, documents } of planCombinations(words, statistics.documents, COMBINED_DOCUMENTS_MAX)) {
    const { candidates, isCut } = await newest(search, query, { most: documents, likely: documents });
    const known = new Set(found.candidates.map(({ id }) => id));
    found.candidates.push(...candidates.filter(({ id }) => !known.has(id)));
    found.isCut ||= isCut;
  }
  return found;
}

function rareForm(search: Search, term: KnownTerm): KnownQuery {
  const others = search.others.get(term)?.length ?? 0;
  return { query: formOf(search, term), documents: Math.max(term.loose.documents, others) };
}

async function findCloseSpellings(search: Search): Promise<Newest | null> {
  const { terms, others } = search;
  const missing = terms.filter((term) => term.loose.documents === 0);
  for (const term of missing) {
    const spellings = await closeSpellings(search.sql, term);
    if (spellings.length > 0) others.set(term, spellings);
  }
  if (!missing.some((term) => others.has(term))) return null;
  return (await findAll(search, (term) => formOf(search, term))) ?? (await findSomeWords(search));
}

function formOf({ others }: Search, known: KnownTerm): TsQuery {
  return anyOf([known.loose.query, loosely(known.term, others.get(known) ?? [])]);
}

async function newest(search: Search, words: TsQuery, expected: Expected): Promise<Newest> {
  const { sql, span, statistics, terms, filters } = search;
  const { parts, after, before, sessions } = filters;
  const query = allOf([words, ...parts]);
  return await findNewest(
    sql,
    { query, words: terms.map((term) => formOf(search, term)), after, before, sessions },
    within(search, expected),
    { span, documents: statistics.documents },
  );
}

/** With the filters, which may be rarer than the words. */
function within({ statistics, filters }: Search, { most, likely }: Expected): Expected {
  const { documents, floor, frequencies } = statistics;
  const shares = filters.lexemes.map((values) =>
    Math.min(
      1,
      values.reduce((sum, value) => sum + (frequencies.get(value) ?? floor), 0),
    ),
  );
  return {
    most: Math.min(most, ...shares.map((share) => share * documents)),
    likely: shares.reduce((expected, share) => expected * share, likely),
  };
}

function rank({ terms, statistics, span }: Search, { candidates }: Newest): RankedSession[] {
  const rarities = terms.map(({ read }) => rarity(read.documents, statistics));
  return rankSessions(candidates, rarities, span.newest);
}

/** Each session once, in the first tier in which it was found. */
function add(found: FoundSessions, tier: SearchTier, ranked: readonly RankedSession[]): void {
  const known = new Set(found.sessions.map(({ session_id }) => session_id));
  for (const session of ranked) if (!known.has(session.session_id)) found.sessions.push({ ...session, tier });
}
