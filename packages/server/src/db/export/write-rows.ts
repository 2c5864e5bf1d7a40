import { one } from "@wharf/job-runner";
import type { Fragment, Sql } from "../postgres.ts";
import type { ExportedTable } from "./exported-tables.ts";

/** What the database has of a table: columns that rows are inserted with, and to what they refer. */
export type TargetTable = {
  columns: string[];
  /** Those of them with a time, and with a number. */
  times: string[];
  numbers: string[];
  parents: { table: string; columns: string[]; parent_columns: string[] }[];
};

/** Without columns that Postgres numbers or computes. */
export async function readTargetTable(sql: Sql, name: string): Promise<TargetTable> {
  return one(
    await sql<TargetTable[]>`
      SELECT (
        SELECT json_agg(attname ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = ''
      ) AS columns, coalesce((
        SELECT json_agg(attname) FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND atttypid = 'timestamptz'::regtype
      ), '[]') AS times, coalesce((
        SELECT json_agg(attname) FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
          AND atttypid IN ('integer'::regtype, 'bigint'::regtype, 'numeric'::regtype)
      ), '[]') AS numbers, coalesce((
        SELECT json_agg(json_build_object('table', p.relname, 'columns', names.own, 'parent_columns', names.parents))
        FROM pg_constraint k JOIN pg_class p ON p.oid = k.confrelid
        CROSS JOIN LATERAL (
          SELECT json_agg(a.attname ORDER BY nth) AS own, json_agg(b.attname ORDER BY nth) AS parents
          FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS pair (own, parent, nth)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.own
          JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.parent
        ) names
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> k.conrelid
      ), '[]') AS parents
      FROM pg_class c WHERE c.relname = ${name} AND c.relnamespace = 'public'::regnamespace`,
  );
}

/**
 * Inserts exported rows that are not there yet, and returns how many. Workspaces and files that other rows refer to are those of this
 * hub. Rows whose parents are missing are left out, as they were written while the export ran; so are those of a session that was deleted here.
 * `lines`: objects with `row`, `workspace` and `file`, whose rows have the same columns, as JSON.
 */
export async function writeExportedRows(
  sql: Sql,
  { name, sameBy }: Pick<ExportedTable, "name" | "sameBy">,
  { columns, parents }: Pick<TargetTable, "columns" | "parents">,
  lines: readonly string[],
): Promise<number> {
  const list = (parts: readonly Fragment[]) => parts.reduce((left, right) => sql`${left}, ${right}`);
  const values = columns.map((column) => sql`${importedValue(sql, name, column)} AS ${sql(column)}`);
  const parentExists = parents.map(({ table, columns: own, parent_columns }) => {
    const isNull = own.map((column) => sql`m.${sql(column)} IS NULL`).reduce((a, b) => sql`${a} OR ${b}`);
    const theirs = list(parent_columns.map((column) => sql`parent.${sql(column)}`));
    const ours = list(own.map((column) => sql`m.${sql(column)}`));
    return sql`AND (${isNull} OR EXISTS (SELECT FROM ${sql(table)} parent WHERE (${theirs}) = (${ours})))`;
  });
  const hasParents = parentExists.reduce((left, right) => sql`${left} ${right}`, sql``);
  const { count } = await sql`
    WITH sent AS MATERIALIZED (SELECT value AS line FROM jsonb_array_elements((${`[${lines.join(",")}]`}::text)::jsonb)),
    mapped AS MATERIALIZED (
      SELECT ${list(values)} FROM sent CROSS JOIN LATERAL jsonb_populate_record(NULL::${sql(name)}, sent.line -> 'row') r
      WHERE ${columns.includes("file_id") ? sql`(sent.line -> 'row' ->> 'file_id' IS NULL OR ${fileOf(sql)} IS NOT NULL)` : sql`true`}
    )
    INSERT INTO ${sql(name)} (${list(columns.map((column) => sql`${sql(column)}`))})
    SELECT ${list(columns.map((column) => sql`m.${sql(column)}`))} FROM mapped m
    WHERE true ${hasParents} ${sameBy === undefined ? sql`` : isNew(sql, name, sameBy)} ${isNotDeleted(sql, name, columns)}
    ON CONFLICT DO NOTHING`;
  return count;
}

function importedValue(sql: Sql, table: string, column: string): Fragment {
  if (column === "workspace_id" && table !== "workspaces")
    return sql`(SELECT w.id FROM workspaces w WHERE w.canonical_id = sent.line ->> 'workspace')`;
  if (column === "file_id") return fileOf(sql);
  return sql`r.${sql(column)}`;
}

function fileOf(sql: Sql): Fragment {
  return sql`(
    SELECT f.id FROM transcript_files f
    WHERE (f.session_id, f.agent, f.device_id, f.file) = (sent.line #>> '{file,0}', sent.line #>> '{file,1}', sent.line #>> '{file,2}', sent.line #>> '{file,3}')
  )`;
}

function isNew(sql: Sql, table: string, columns: readonly string[]): Fragment {
  const same = columns
    .map((column) => sql`same.${sql(column)} IS NOT DISTINCT FROM m.${sql(column)}`)
    .reduce((a, b) => sql`${a} AND ${b}`);
  return sql`AND NOT EXISTS (SELECT FROM ${sql(table)} same WHERE ${same})`;
}

/** A session that was deleted here stays so, with all that belongs to it; one that is here is not deleted by an import. */
function isNotDeleted(sql: Sql, table: string, columns: readonly string[]): Fragment {
  if (table === "session_tombstones")
    return sql`AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = m.session_id)`;
  const own = table === "sessions" ? "id" : "session_id";
  if (!columns.includes(own)) return sql``;
  return sql`AND NOT EXISTS (SELECT FROM session_tombstones t WHERE t.session_id = m.${sql(own)})`;
}
