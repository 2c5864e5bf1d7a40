import type { Fragment, Sql } from "../postgres.ts";

/**
 * A page ends before the row with which its large columns would have more bytes of JSON than this, however many rows were asked for.
 * The first row is always on it: an event has 1 MiB at most.
 */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** As PAGE_BYTES_MAX, of each list within the details of something: what has no room there is left out. */
export const DETAIL_BYTES_MAX = 1024 * 1024;

/** A row of a list that is read by withinPageBytes. */
export type Listed<Row> = Row & {
  /** Of the last row: more were found, for which the page has no room. */
  page_is_full?: boolean | undefined;
};

/** The rows as they are answered with: undefined is left out of JSON, and a copy of each row would cost more. */
export function withoutFlags<Row extends object>(rows: readonly Listed<Row>[]): readonly Row[] {
  for (const row of rows) row.page_is_full = undefined;
  return rows;
}

/** The columns that may be large; the others are too short to matter. */
export type LargeColumns = { text?: readonly string[]; json?: readonly string[] };

/**
 * The rows of `found`, which is ordered by `order` and has a LIMIT, until they fill a page. Adds `page_is_full` and further columns,
 * so a list names those that it answers with. What has no room never leaves Postgres.
 * In two steps: JSON is up to six times as long as what is stored, and writing 1,000 large rows as JSON takes 20 s. So the stored
 * bytes, which are soon known, choose the rows of which the JSON is measured.
 */
export function withinPageBytes(
  sql: Sql,
  found: Fragment,
  order: Fragment,
  large: LargeColumns,
  bytes_max = PAGE_BYTES_MAX,
): Fragment {
  return withinBytes(
    sql,
    found,
    order,
    { stored: storedBytes(sql, large), json: jsonBytes(sql, large) },
    bytes_max,
  );
}

/** The bytes of a row of `found`: as stored, which is soon known, and as JSON. */
export type RowBytes = { stored: Fragment; json: Fragment };

/** As withinPageBytes, with other measures of a row. */
export function withinBytes(
  sql: Sql,
  found: Fragment,
  order: Fragment,
  bytes: RowBytes,
  bytes_max = PAGE_BYTES_MAX,
): Fragment {
  const soFar = sql`(ORDER BY ${order} ROWS UNBOUNDED PRECEDING)`;
  const stored = sql`
    SELECT *, sum(stored_bytes) OVER so_far AS stored_so_far, lead(true) OVER so_far IS NULL AS is_last_found
    FROM (SELECT *, ${bytes.stored} AS stored_bytes FROM (${found}) found_rows) with_stored_bytes
    WINDOW so_far AS ${soFar}`;
  const written = sql`
    SELECT *, sum(json_bytes) OVER so_far AS json_so_far, lead(json_bytes) OVER so_far AS next_json_bytes
    FROM (
      SELECT *, ${bytes.json} AS json_bytes FROM (${stored}) with_stored_sums
      WHERE stored_so_far - stored_bytes < ${bytes_max}::int
    ) with_json_bytes
    WINDOW so_far AS ${soFar}`;
  return sql`
    SELECT *, NOT is_last_found AND json_so_far + coalesce(next_json_bytes, ${bytes_max}::int) > ${bytes_max}::int AS page_is_full
    FROM (${written}) with_json_sums
    WHERE json_so_far <= ${bytes_max}::int OR json_so_far = json_bytes`;
}

function jsonBytes(sql: Sql, { text = [], json = [] }: LargeColumns): Fragment {
  return sumOf(
    sql,
    [...text, ...json].map((column) => sql`coalesce(octet_length(to_json(${sql(column)})::text), 0)`),
  );
}

function storedBytes(sql: Sql, { text = [], json = [] }: LargeColumns): Fragment {
  return sumOf(sql, [
    ...text.map((column) => sql`coalesce(octet_length(${sql(column)}::text), 0)`),
    ...json.map((column) => storedJsonBytes(sql, column)),
  ]);
}

function sumOf(sql: Sql, sizes: readonly Fragment[]): Fragment {
  return sizes.reduce((sum, size) => sql`${sum} + ${size}`, sql`0`);
}

/** Only what is compressed has to be read for its size; adding nothing to an object does no more than that. */
function storedJsonBytes(sql: Sql, column: string): Fragment {
  return sql`
    CASE WHEN pg_column_compression(${sql(column)}) IS NULL THEN coalesce(pg_column_size(${sql(column)}), 0)
    ELSE pg_column_size(${sql(column)} || '{}'::jsonb) END`;
}
