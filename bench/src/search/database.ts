import postgres from "postgres";
import { openConnection } from "../../../packages/server/src/db/connection.ts";
import { openDatabase } from "../../../packages/server/src/db/database.ts";
import { migratePhases } from "../../../packages/server/src/db/phases.ts";
import {
  type CorpusSession,
  generateSessions,
} from "../../../packages/server/src/search/__tests__/corpus/generate-sessions.ts";
import { storeSessions } from "../../../packages/server/src/search/__tests__/corpus/store-sessions.ts";
import { indexSessions } from "../../../packages/server/src/search/index-sessions.ts";
import { type BenchPostgres, databaseUrl } from "../postgres.ts";
import { progress } from "../report.ts";

export type Size = { documents: number; sessions: number };

const DATABASE = "bench_search";
/** Marks a whole database: a run that was broken off left less. */
const WHOLE = 100;
/** Of one statement. */
const DOCUMENTS_AT_ONCE = 4_000;
const WRITERS = 2;
const DEADLINE_MS = 3_600_000;

/** Indexes that are made after the rows, which takes a fifth of the time. */
const LATE_INDEXES = ["idx_search_documents_tsv", "idx_search_tokens_trigrams"];

/** A filled database: the one of a run before, else a new one. Answers with its name and how long it took; null: it was there. */
export async function prepareDatabase(
  bench: BenchPostgres,
  size: Size,
): Promise<{ url: string; build_s: number | null }> {
  const url = databaseUrl(bench.url, DATABASE);
  const kept =
    await bench.admin`SELECT 1 FROM pg_database WHERE datname = ${DATABASE} AND datconnlimit = ${WHOLE}`;
  if (kept.length > 0) return { url, build_s: null };
  const startedAt = performance.now();
  await bench.recreate(DATABASE, "template0");
  await fill(url, size);
  await bench.admin.unsafe(`ALTER DATABASE ${DATABASE} CONNECTION LIMIT ${WHOLE}`);
  return { url, build_s: Math.round((performance.now() - startedAt) / 1000) };
}

async function fill(url: string, size: Size): Promise<void> {
  const sql = postgres(url, { max: 2, onnotice: () => undefined });
  await migratePhases(sql);
  const indexes = await sql<{ definition: string }[]>`
    SELECT indexdef AS definition FROM pg_indexes WHERE indexname = ANY (${LATE_INDEXES})`;
  for (const index of LATE_INDEXES) await sql.unsafe(`DROP INDEX ${index}`);
  await store(sql, size);
  progress("rows are written; indexes");
  for (const { definition } of indexes) await sql.unsafe(`SET maintenance_work_mem = '1GB'; ${definition}`);
  progress("indexes are there; titles");
  const database = openDatabase(url, { deadlineMs: DEADLINE_MS, statementTimeoutMs: DEADLINE_MS });
  await indexSessions(database);
  await database.close();
  await sql.unsafe("VACUUM (ANALYZE)");
  await sql.end();
}

async function store(sql: postgres.Sql, { documents, sessions }: Size): Promise<void> {
  const messages = Math.max(6, Math.floor(documents / sessions) - 1);
  const batches = batched(
    generateSessions({ sessions, messages }),
    Math.max(1, Math.floor(DOCUMENTS_AT_ONCE / messages)),
  );
  let written = 0;
  const write = async () => {
    const connection = openConnection(sql);
    await connection.script("SET synchronous_commit = off; SET statement_timeout = 0");
    for (const batch of batches) {
      await storeSessions(connection.query, batch);
      written += batch.length;
      if (written % 1_000 < batch.length) progress(`${written}/${sessions} sessions`);
    }
    await connection.close();
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

function* batched(sessions: Iterable<CorpusSession>, size: number): Generator<CorpusSession[]> {
  let batch: CorpusSession[] = [];
  for (const session of sessions) {
    batch.push(session);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

export async function measureDisk(url: string): Promise<Record<string, number>> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql<{ all: number; documents: number; index: number; tokens: number }[]>`
    SELECT pg_database_size(current_database())::float8 AS all,
      pg_table_size('search_documents')::float8 AS documents,
      pg_indexes_size('search_documents')::float8 AS index,
      pg_total_relation_size('search_tokens')::float8 AS tokens`;
  await sql.end();
  const gb = (bytes: number | undefined) => Number(((bytes ?? 0) / 2 ** 30).toFixed(2));
  return {
    disk_gb: gb(row?.all),
    documents_gb: gb(row?.documents),
    indexes_gb: gb(row?.index),
    tokens_gb: gb(row?.tokens),
  };
}

/** Of each incident, the id of its session. */
export function idsOfIncidents({ documents: _, sessions }: Size): string[] {
  return [...generateSessions({ sessions, messages: 0 })].flatMap(({ id, incident }) =>
    incident === null ? [] : id,
  );
}
