import type { Sql } from "../postgres.ts";

/** What Postgres' last ANALYZE knows of the index. */
export type IndexStatistics = {
  documents: number;
  /** Shares of the documents that hold a lexeme, for each that is in more than `floor` of them. */
  frequencies: ReadonlyMap<string, number>;
  floor: number;
};

/** The times of the oldest and the newest document; null without any. */
export type TimeSpan = { oldest: string; newest: string } | null;

type Row = { documents: number; lexemes: string[] | null; shares: number[] | null };

/** Behind the shares of the lexemes, Postgres keeps their least and their largest. */
export async function readStatistics(sql: Sql): Promise<IndexStatistics> {
  const [row] = await sql<Row[]>`
    SELECT greatest(c.reltuples, 0)::float8 AS documents, s.lexemes, s.shares
    FROM pg_class c
    LEFT JOIN LATERAL (
      SELECT most_common_elems::text::text[] AS lexemes, most_common_elem_freqs::float8[] AS shares
      FROM pg_stats WHERE schemaname = c.relnamespace::regnamespace::text AND tablename = c.relname AND attname = 'tsv'
    ) s ON true
    WHERE c.oid = 'search_documents'::regclass`;
  const lexemes = row?.lexemes ?? [];
  const shares = row?.shares ?? [];
  return {
    documents: row?.documents ?? 0,
    frequencies: new Map(lexemes.map((lexeme, index) => [lexeme, shares[index] ?? 0])),
    floor: shares[lexemes.length] ?? 0,
  };
}

export async function readTimeSpan(sql: Sql): Promise<TimeSpan> {
  const [row] = await sql<{ oldest: string | null; newest: string | null }[]>`
    SELECT (SELECT min(at) FROM search_documents) AS oldest, (SELECT max(at) FROM search_documents) AS newest`;
  const { oldest = null, newest = null } = row ?? {};
  return oldest === null || newest === null ? null : { oldest, newest };
}
