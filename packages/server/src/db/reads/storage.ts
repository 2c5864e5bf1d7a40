import { one } from "@wharf/job-runner";
import type { Retention } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";

/** Growth is measured over at most so many days, and at least so many hours. */
const GROWTH_DAYS_MAX = 30;
const GROWTH_HOURS_MIN = 12;

export type TableSize = { name: string; rows: number; bytes: number; index_bytes: number };

/** All tables; partitions count as their table. */
export async function readTableSizes(sql: Sql): Promise<TableSize[]> {
  return await sql<TableSize[]>`
    SELECT coalesce(parent.relname, c.relname) AS name,
      sum(CASE WHEN c.reltuples < 0 THEN pg_stat_get_live_tuples(c.oid) ELSE c.reltuples END)::float8 AS rows,
      coalesce(sum(pg_total_relation_size(c.oid)), 0)::float8 AS bytes,
      coalesce(sum(pg_indexes_size(c.oid)), 0)::float8 AS index_bytes
    FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE c.relkind = 'r' AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    GROUP BY 1 ORDER BY bytes DESC, name`;
}

export async function readDatabaseBytes(sql: Sql): Promise<number> {
  const rows = await sql<{ bytes: number }[]>`SELECT pg_database_size(current_database())::float8 AS bytes`;
  return one(rows).bytes;
}

export type StorageSample = { day: string; bytes: number };

export async function listStorageSamples(sql: Sql): Promise<StorageSample[]> {
  return await sql<
    StorageSample[]
  >`SELECT day::text AS day, bytes::float8 AS bytes FROM storage_samples ORDER BY day`;
}

export type StorageBase = { days: number; bytes: number; tables: Record<string, number> };

/** The sample with which the present is compared, and its age in days; null: none is old enough. */
export async function readGrowthBase(sql: Sql): Promise<StorageBase | null> {
  const [row] = await sql<{ days: number; bytes: number; tables: string }[]>`
    SELECT (extract(epoch FROM now() - sampled_at) / 86400)::float8 AS days, bytes::float8 AS bytes, tables::text AS tables
    FROM storage_samples
    WHERE sampled_at BETWEEN now() - make_interval(days => ${GROWTH_DAYS_MAX}) AND now() - make_interval(hours => ${GROWTH_HOURS_MIN})
    ORDER BY sampled_at LIMIT 1`;
  return row === undefined ? null : { ...row, tables: JSON.parse(row.tables) };
}

export type TranscriptBytes = { files: number; source_bytes: number; stored_bytes: number };

export async function readTranscriptBytes(sql: Sql): Promise<TranscriptBytes> {
  const rows = await sql<TranscriptBytes[]>`
    SELECT count(DISTINCT file_id)::int AS files, coalesce(sum(source_bytes), 0)::float8 AS source_bytes,
      coalesce(sum(stored_bytes), 0)::float8 AS stored_bytes
    FROM transcript_generations`;
  return one(rows);
}

export type BlobBytes = { count: number; bytes: number };

/** Of the blobs in Postgres, compressed. */
export async function readBlobBytes(sql: Sql): Promise<BlobBytes> {
  const rows = await sql<BlobBytes[]>`
    SELECT count(*)::int AS count, coalesce(sum(size_bytes), 0)::float8 AS bytes FROM blobs WHERE hash IS NOT NULL`;
  return one(rows);
}

export type NamedRetention = Retention & { workspace_id: string; workspace_name: string };

/** Those of workspaces that keep something for a time only. */
export async function listNamedRetentions(sql: Sql): Promise<NamedRetention[]> {
  return await sql<NamedRetention[]>`
    SELECT r.workspace_id, w.display_name AS workspace_name, r.raw_days, r.parsed_days, r.events_days
    FROM workspace_retention r JOIN workspaces w ON w.id = r.workspace_id
    WHERE num_nonnulls(r.raw_days, r.parsed_days, r.events_days) > 0 ORDER BY w.display_name, r.workspace_id`;
}
