import type { DocumentKind } from "../../search/document-kinds.ts";
import type { Sql } from "../postgres.ts";

/** Which documents are ranked. */
export type CandidateQuery = {
  /** A tsquery. */
  query: string;
  /** tsqueries: which of them each document matches decides its rank. */
  words: readonly string[];
  after: string | null;
  before: string | null;
  /** Only of these sessions; null: of all. */
  sessions: readonly string[] | null;
};

export type Candidate = {
  id: string;
  session_id: string;
  /** Null: of the session itself, such as its title. */
  message_id: string | null;
  block: number | null;
  kind: DocumentKind;
  device_id: string;
  at: string;
  /** Distinct lexemes of the document. */
  lexemes: number;
  /** Of each word, whether the document matches it. */
  has: boolean[];
};

/** The newest `limit` documents that match, of sessions that are not deleted. */
export async function findCandidates(
  sql: Sql,
  { query, words, after, before, sessions }: CandidateQuery,
  limit: number,
): Promise<Candidate[]> {
  return await sql<Candidate[]>`
    SELECT c.id::text, c.session_id, c.message_id, c.block, c.kind, c.device_id, c.at, c.lexemes, c.has
    FROM search_candidates(
      ${query}::text::tsquery, ${[...words]}::text[]::tsquery[], (${after}::text)::timestamptz, (${before}::text)::timestamptz,
      ${sessions === null ? null : [...sessions]}::text[], ${limit}
    ) c
    JOIN sessions s ON s.id = c.session_id AND s.deleted_at IS NULL
    ORDER BY c.at DESC, c.id DESC`;
}

/** How many documents match each tsquery, each counted up to `most`. */
export async function countMatches(sql: Sql, queries: readonly string[], most: number): Promise<number[]> {
  if (queries.length === 0) return [];
  const [row] = await sql<{ counts: number[] }[]>`
    SELECT search_counts(${[...queries]}::text[]::tsquery[], ${most}) AS counts`;
  return row?.counts ?? [];
}
