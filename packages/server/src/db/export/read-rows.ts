import type { Fragment, Sql } from "../postgres.ts";
import type { ExportedTable } from "./exported-tables.ts";

/** A row as JSON: `{table, row, workspace?, file?}`, and its key. */
export type ExportedRow = { key: string[]; line: string; blob_hash: string | null };

const ROWS_MAX = 200;
const BYTES_MAX = 1024 * 1024;

/**
 * The rows behind `after`, up to about a megabyte. Those that refer to a workspace or a transcript file name it by what it has in every
 * hub: the canonical id; session, agent, device and file.
 */
export async function readExportedRows(
  sql: Sql,
  { name, key, except }: ExportedTable,
  after: readonly string[] | null,
): Promise<ExportedRow[]> {
  const list = (parts: Fragment[]) => parts.reduce((left, right) => sql`${left}, ${right}`);
  const columns = list(key.map(([column]) => sql`${sql(column)}`));
  const position =
    after === null
      ? sql``
      : sql`AND (${columns}) > (${list(key.map(([, type], index) => sql`(${after[index] ?? ""}::text)::${sql.unsafe(type)}`))})`;
  return await sql<ExportedRow[]>`
    SELECT key, line, blob_hash FROM (
      SELECT key, line, blob_hash, nth, octet_length(line) AS bytes, sum(octet_length(line)) OVER (ORDER BY nth) AS bytes_so_far
      FROM (
        SELECT ARRAY[${list(key.map(([column]) => sql`t.${sql(column)}::text`))}] AS key, t.nth, r.data ->> 'blob_hash' AS blob_hash,
          (jsonb_strip_nulls(jsonb_build_object(
            'table', ${name}::text,
            'workspace', (SELECT w.canonical_id FROM workspaces w WHERE w.id = r.data ->> 'workspace_id'),
            'file', (
              SELECT jsonb_build_array(f.session_id, f.agent, f.device_id, f.file) FROM transcript_files f
              WHERE f.id = (r.data ->> 'file_id')::bigint
            )
          )) || jsonb_build_object('row', r.data))::text AS line
        FROM (
          SELECT *, row_number() OVER (ORDER BY ${columns}) AS nth FROM ${sql(name)}
          WHERE ${exported(sql, except)} ${position} ORDER BY ${columns} LIMIT ${ROWS_MAX}
        ) t
        CROSS JOIN LATERAL (SELECT to_jsonb(t) - 'nth' AS data) r
      ) lines
    ) measured
    WHERE bytes_so_far - bytes < ${BYTES_MAX} ORDER BY nth`;
}

function exported(sql: Sql, except: ExportedTable["except"]): Fragment {
  switch (except) {
    case "deleted sessions":
      return sql`deleted_at IS NULL`;
    case "shipped prices":
      return sql`NOT is_shipped`;
    default:
      return sql`true`;
  }
}
