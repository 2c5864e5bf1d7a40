import type { Sql } from "../postgres.ts";

/** Small tables that every node would have a copy of: any table may refer to them. */
const REFERENCE_TABLES = ["devices", "workspaces"];

/** What belongs to the hub as a whole, and would stay on one node. */
const TABLES_OF_THE_HUB = [
  ...[
    "_migrations",
    "event_recounts",
    "hub_settings",
    "ingest_notes",
    "prices",
    "repricing",
    "storage_samples",
  ],
  ...["api_keys", "enrolment_codes", "key_audit", "sign_ins", "device_reports"],
  ...["blobs", "blob_chunks", "unreferenced_blobs", "change_log", "parent_totals"],
  ...["pending_projections", "projection_queue", "search_queue", "search_tokens"],
  ...["job_attempts", "job_concurrency_locks", "job_events", "job_idempotency_keys", "job_logs"],
  ...["job_queue_pauses", "job_schedules", "job_steps", "jobs", "jobs_archive"],
];

type Obstacle = { table: string; name: string };

/**
 * What forbids Citus to distribute every other table by workspace: by the table's name, that it has no workspace_id that is NOT NULL;
 * by the name of the constraint or index, a unique one without workspace_id, and a foreign key without it to one of these tables.
 */
export async function findObstacles(sql: Sql): Promise<Obstacle[]> {
  const elsewhere = [...REFERENCE_TABLES, ...TABLES_OF_THE_HUB];
  return await sql<Obstacle[]>`
    WITH tables AS (
      SELECT c.oid, c.relname AS name, c.relname = ANY (${elsewhere}) AS is_elsewhere, a.attnum AS workspace_column
      FROM pg_class c
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id' AND a.attnotnull
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ),
    distributed AS (SELECT * FROM tables WHERE NOT is_elsewhere)
    SELECT name AS table, name FROM distributed WHERE workspace_column IS NULL
    UNION ALL
    SELECT d.name, i.indexrelid::regclass::text FROM distributed d JOIN pg_index i ON i.indrelid = d.oid
    WHERE i.indisunique AND d.workspace_column <> ALL (i.indkey::int2[])
    UNION ALL
    SELECT d.name, k.conname FROM pg_constraint k JOIN tables d ON d.oid = k.conrelid JOIN tables p ON p.oid = k.confrelid
    WHERE k.contype = 'f' AND NOT p.is_elsewhere AND (d.is_elsewhere OR d.workspace_column IS NOT NULL)
      AND (d.workspace_column = ANY (k.conkey) AND p.workspace_column = ANY (k.confkey)) IS NOT TRUE
    ORDER BY name`;
}
