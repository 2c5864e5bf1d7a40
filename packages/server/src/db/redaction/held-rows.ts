import type { Fragment, Sql } from "../postgres.ts";
import { withinPageBytes } from "../reads/page-bytes.ts";
import type { Query } from "../transcripts/query.ts";
import type { HeldColumn, HeldKey, HeldTable } from "./held-tables.ts";

/** The rows of these sessions; or those of no session, but for those of these workspaces. */
export type HeldScope = { session_ids: readonly string[] } | { left_out_workspaces: readonly string[] };

/** `key`: the values of the primary key as text. `texts`: those of the columns; JSON, but for text columns. */
export type HeldRow = { key: string[]; texts: (string | null)[] };

/** Rows of a scope may be few among many, or too many to be sorted for each page: they are sought in pieces of this size. */
const SOUGHT_ROWS = 5_000;

/** Whether the table has at most `rowsMax` rows of the scope. */
export async function hasAtMost(
  sql: Sql,
  held: HeldTable,
  scope: HeldScope,
  rowsMax: number,
): Promise<boolean> {
  const found = await sql`
    SELECT FROM ${sql(held.table)} WHERE ${inScope(sql, held, scope)} OFFSET ${rowsMax}::integer LIMIT 1`;
  return found.length === 0;
}

/**
 * The next rows after `after`, in the order of their keys, as many as fit into a page's bytes. `isSought`: of the next SOUGHT_ROWS, none of
 * which may be in the scope.
 */
export async function readHeldRows(
  sql: Sql,
  held: HeldTable,
  scope: HeldScope,
  { after, limit, isSought }: { after: readonly string[] | null; limit: number; isSought: boolean },
): Promise<HeldRow[]> {
  const { table, key, columns } = held;
  const next = after === null ? sql`true` : behind(sql, key, after);
  const found = sql`
    SELECT ${keyList(sql, key)}, ${joined(
      sql,
      columns.map(({ name }) => sql`${sql(name)}`),
    )}
    FROM ${
      isSought
        ? sql`(SELECT * FROM ${sql(table)} WHERE ${next} ORDER BY ${keyList(sql, key)} LIMIT ${SOUGHT_ROWS}::integer) sought`
        : sql`${sql(table)}`
    }
    WHERE ${next} AND ${inScope(sql, held, scope)} ORDER BY ${keyList(sql, key)} LIMIT ${limit}::integer`;
  const namesOf = (isJson: boolean) =>
    columns.filter(({ type }) => (type === "json") === isJson).map(({ name }) => name);
  const large = { text: namesOf(false), json: namesOf(true) };
  return await sql<HeldRow[]>`
    SELECT ARRAY[${joined(
      sql,
      key.map(({ name }) => sql`${sql(name)}::text`),
    )}] AS key,
      ARRAY[${joined(
        sql,
        columns.map((column) => asText(sql, column)),
      )}] AS texts
    FROM (${withinPageBytes(sql, found, keyList(sql, key), large)}) page ORDER BY ${keyList(sql, key)}`;
}

/** The key of the last of the next SOUGHT_ROWS rows; null where there are fewer. */
export async function keyBehindSought(
  sql: Sql,
  { table, key }: HeldTable,
  after: readonly string[] | null,
): Promise<string[] | null> {
  const [row] = await sql<{ key: string[] }[]>`
    SELECT ARRAY[${joined(
      sql,
      key.map(({ name }) => sql`${sql(name)}::text`),
    )}] AS key
    FROM ${sql(table)} WHERE ${after === null ? sql`true` : behind(sql, key, after)}
    ORDER BY ${keyList(sql, key)} OFFSET ${SOUGHT_ROWS - 1}::integer LIMIT 1`;
  return row?.key ?? null;
}

/** Replaces texts of a row, if they are still those that were read. `replaced`: null for a column that stays. */
export async function replaceHeldTexts(
  sql: Sql,
  query: Query,
  { table, key, columns }: HeldTable,
  row: HeldRow,
  replaced: readonly (string | null)[],
): Promise<boolean> {
  const changed = columns.flatMap((column, index) => {
    const [before, after] = [row.texts[index], replaced[index]];
    return before == null || after == null ? [] : [{ column, before, after }];
  });
  if (changed.length === 0) return true;
  const values = changed.map(
    ({ column, after }) => sql`${sql(column.name)} = ${fromText(sql, column, after)}`,
  );
  const unchanged = changed.map(({ column, before }) => sql`AND ${asText(sql, column)} = ${before}`);
  const { count } = await query`
    UPDATE ${sql(table)} SET ${joined(sql, values)}
    WHERE (${keyList(sql, key)}) = (${keyValues(sql, key, row.key)}) ${unchanged}`;
  return count > 0;
}

/** The sessions and messages of these blocks. */
export async function placesOfBlocks(
  query: Query,
  ids: readonly string[],
): Promise<{ session_ids: string[]; message_ids: string[] }> {
  const rows = await query<{ session_id: string; message_id: string }[]>`
    SELECT DISTINCT session_id, message_id FROM content_blocks WHERE id = ANY (${[...ids]}::text[])
    ORDER BY session_id, message_id`;
  return {
    session_ids: [...new Set(rows.map(({ session_id }) => session_id))],
    message_ids: rows.map(({ message_id }) => message_id),
  };
}

function inScope(sql: Sql, { table, has_session, has_workspace }: HeldTable, scope: HeldScope): Fragment {
  if ("session_ids" in scope) {
    const column = table === "sessions" ? "id" : "session_id";
    return sql`${sql(column)} = ANY (${[...scope.session_ids]}::text[])`;
  }
  const left_out = [...scope.left_out_workspaces];
  return sql`
    ${has_session ? sql`session_id IS NULL` : sql`true`}
    ${has_workspace ? sql`AND workspace_id <> ALL (${left_out}::text[])` : sql``}`;
}

function behind(sql: Sql, key: readonly HeldKey[], after: readonly string[]): Fragment {
  return sql`(${keyList(sql, key)}) > (${keyValues(sql, key, after)})`;
}

function keyList(sql: Sql, key: readonly HeldKey[]): Fragment {
  return joined(
    sql,
    key.map(({ name }) => sql`${sql(name)}`),
  );
}

function keyValues(sql: Sql, key: readonly HeldKey[], values: readonly string[]): Fragment {
  return joined(
    sql,
    key.map(({ type }, index) => sql`${values[index] ?? ""}::text::${sql(type)}`),
  );
}

/** `fragments` is never empty. */
function joined(sql: Sql, fragments: readonly Fragment[]): Fragment {
  return fragments.reduce((all, fragment) => sql`${all}, ${fragment}`);
}

function asText(sql: Sql, { name, type }: HeldColumn): Fragment {
  return type === "list" ? sql`to_json(${sql(name)})::text` : sql`${sql(name)}::text`;
}

function fromText(sql: Sql, { type }: HeldColumn, text: string): Fragment {
  if (type === "text") return sql`${text}`;
  if (type === "json") return sql`(${text}::text)::jsonb`;
  return sql`ARRAY(SELECT jsonb_array_elements_text((${text}::text)::jsonb))`;
}
