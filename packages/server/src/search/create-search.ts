import type { SearchResponse } from "@wharf/protocol";
import type { Sql } from "../db/postgres.ts";
import { type IndexStatistics, readStatistics } from "../db/search/statistics.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import { type FoundSession, findSessions } from "./find-sessions.ts";
import { parseQuery } from "./parse-query.ts";
import { shownKey } from "./shown.ts";
import { writeResults } from "./write-results.ts";

export type SearchPage = Pick<SearchResponse, "results" | "tier" | "is_newest_only"> & {
  /** Keys of the sessions of this page and of those before it. */
  shown: string[];
  hasMore: boolean;
};

export type Search = {
  /** A page of results, without the sessions of earlier pages. Throws QueryError for a filter's value. */
  page(text: string, limit: number, shown: readonly string[]): Promise<SearchPage>;
  /** The ids of sessions that match, for a list that has its own order. Throws QueryError. */
  sessionIds(text: string): Promise<string[]>;
};

/** Sessions in all pages of one search. */
const SESSIONS_MAX = 300;
/** Of sessions with some of the words, those in a list that has another order than by rank. */
const LISTED_SESSIONS_MAX = 50;
/** Postgres' statistics change by an ANALYZE; to read them takes 5 ms. */
const STATISTICS_AGE_MAX_MS = 60_000;

type SearchOptions = { reads: UpToDate; monotonicMs?: () => number };

/** Searches what transcripts, titles, summaries and commits hold. */
export function createSearch({ reads, monotonicMs = () => performance.now() }: SearchOptions): Search {
  let known: { statistics: IndexStatistics; readAt: number } | null = null;

  async function statisticsOf(sql: Sql): Promise<IndexStatistics> {
    if (known === null || monotonicMs() - known.readAt > STATISTICS_AGE_MAX_MS)
      known = { statistics: await readStatistics(sql), readAt: monotonicMs() };
    return known.statistics;
  }

  async function page(text: string, limit: number, shown: readonly string[]): Promise<SearchPage> {
    const query = parseQuery(text);
    const before = new Set(shown);
    return await reads.run(async (sql) => {
      const found = await findSessions(sql, await statisticsOf(sql), query, limit + before.size + 1);
      const unseen = found.sessions.filter(({ session_id }) => !before.has(shownKey(session_id)));
      const wanted = unseen.slice(0, Math.min(limit, SESSIONS_MAX - before.size));
      const { results, isFull } = await writeResults(sql, wanted, query.terms, found.otherWords);
      const shownNow = isFull ? wanted.slice(0, results.length) : wanted;
      const keys = [...shown, ...shownNow.map(({ session_id }) => shownKey(session_id))];
      return {
        results,
        tier: results.at(-1)?.tier ?? null,
        is_newest_only: found.isCut,
        shown: keys,
        hasMore: shownNow.length > 0 && unseen.length > shownNow.length && keys.length < SESSIONS_MAX,
      };
    });
  }

  async function sessionIds(text: string): Promise<string[]> {
    const query = parseQuery(text);
    return await reads.run(async (sql) => {
      const { sessions } = await findSessions(sql, await statisticsOf(sql), query, 1);
      return listed(sessions).map(({ session_id }) => session_id);
    });
  }

  return { page, sessionIds };
}

/** All sessions with all of the words, or the best ones with some. */
function listed(sessions: readonly FoundSession[]): FoundSession[] {
  const whole = sessions.filter(({ tier }) => tier === "exact" || tier === "all_words");
  return whole.length > 0 ? whole : sessions.slice(0, LISTED_SESSIONS_MAX);
}
