import type { Sql } from "../postgres.ts";

/** Text as people or agents wrote it; `list`: text[]. */
export type HeldColumn = { name: string; type: "text" | "json" | "list" };
export type HeldKey = { name: string; type: string };

/** A table with texts of sessions, devices or workspaces. */
export type HeldTable = {
  table: string;
  key: HeldKey[];
  columns: HeldColumn[];
  has_session: boolean;
  /** Some rows may have no session. */
  has_rest: boolean;
  has_workspace: boolean;
};

/** They have no session. */
const TABLES_OF_THE_HUB = ["devices", "workspaces", "workspace_devices"];
/** Of a session itself: after all that it follows from. */
const LAST = "sessions";
/** By name, columns that rows and programs are found by. They keep their values. */
const REFERENCE = "(^|_)(id|ids|key|hash|sha|position)$";

/**
 * All tables that hold texts, read from the catalog, so that a table that is added later is among them. Left out are keys, references and
 * what Postgres derives itself.
 */
export async function listHeldTables(sql: Sql): Promise<HeldTable[]> {
  return await sql<HeldTable[]>`
    WITH columns AS (
      SELECT c.oid, c.relname, a.attnum, a.attname, a.attnotnull, format_type(a.atttypid, NULL) AS type, a.attgenerated <> '' AS is_generated,
        EXISTS (
          SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'f') AND a.attnum = ANY (k.conkey)
        ) AS is_key
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ),
    tables AS (
      SELECT oid, relname, bool_or(attname = 'session_id') OR relname = ${LAST} AS has_session,
        NOT bool_or(attname = 'session_id' AND attnotnull) AND relname <> ${LAST} AS has_rest,
        bool_or(attname = 'workspace_id') AS has_workspace,
        jsonb_agg(jsonb_build_object('name', attname,
          'type', CASE type WHEN 'text' THEN 'text' WHEN 'text[]' THEN 'list' ELSE 'json' END) ORDER BY attnum)
          FILTER (WHERE type IN ('text', 'text[]', 'jsonb') AND NOT is_key AND NOT is_generated AND attname !~ ${REFERENCE}) AS columns
      FROM columns GROUP BY oid, relname
    )
    SELECT relname AS table, has_session, has_rest, has_workspace, columns, (
      SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', t.typname) ORDER BY k.place)
      FROM pg_constraint p, unnest(p.conkey) WITH ORDINALITY AS k (attnum, place)
      JOIN pg_attribute a ON a.attnum = k.attnum JOIN pg_type t ON t.oid = a.atttypid
      WHERE p.conrelid = tables.oid AND p.contype = 'p' AND a.attrelid = tables.oid
    ) AS key
    FROM tables
    WHERE columns IS NOT NULL AND (has_session OR relname = ANY (${TABLES_OF_THE_HUB}::text[]))
      AND EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = tables.oid AND p.contype = 'p')
    ORDER BY relname = ${LAST}, relname <> 'events', relname <> 'session_reports', relname`;
}
