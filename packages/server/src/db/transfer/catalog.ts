import type { Connection } from "../connection.ts";

export type Table = { name: string; columns: { name: string; type: string }[] };
/** The next numbers of identity columns. */
export type Sequence = { table: string; column: string; last_value: string; is_called: boolean };

/**
 * `_migrations` is written by the migrations themselves. Rows of change_log hold transaction ids of the cluster that wrote them:
 * in another cluster they would lie in the future, and live readers would wait for them. A reader that resumes from an id which
 * the log does not hold gets a `reset`, and reads everything again.
 */
export const LEFT_OUT: readonly string[] = ["_migrations", "change_log"];

/** Tables of schema public with rows of their own: partitions are read and written through their parent. */
export async function readTables(connection: Connection): Promise<Table[]> {
  const rows = await connection.query<{ name: string; columns: Table["columns"] }[]>`
    SELECT c.relname AS name,
      json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY c.relname ORDER BY c.relname`;
  return rows.map(({ name, columns }) => ({ name, columns }));
}

/** Of every table, also those whose rows are left out: numbers that were given once are not given again. */
export async function readSequences(connection: Connection): Promise<Sequence[]> {
  return connection.query<Sequence[]>`
    SELECT c.relname AS "table", a.attname AS "column", coalesce(s.last_value, s.start_value)::text AS last_value,
      s.last_value IS NOT NULL AS is_called
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    JOIN pg_sequences s
      ON format('%I.%I', s.schemaname, s.sequencename) = pg_get_serial_sequence(c.oid::regclass::text, a.attname)
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attidentity <> ''
    ORDER BY c.relname, a.attname`;
}

export async function readLedger(connection: Connection): Promise<string[]> {
  const [ledger] = await connection.query<{ present: boolean }[]>`
    SELECT to_regclass('public._migrations') IS NOT NULL AS present`;
  if (ledger?.present !== true) return [];
  const rows = await connection.query<{ name: string }[]>`SELECT name FROM _migrations ORDER BY name`;
  return rows.map(({ name }) => name);
}

/** Values as text that every server reads alike. */
export const TEXT_SETTINGS = `
  SET LOCAL statement_timeout = 0;
  SET LOCAL search_path = public;
  SET LOCAL timezone = 'UTC';
  SET LOCAL datestyle = 'ISO, YMD';
  SET LOCAL intervalstyle = 'postgres';
  SET LOCAL bytea_output = 'hex';
  SET LOCAL extra_float_digits = 1`;
