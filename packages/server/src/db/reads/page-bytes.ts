import type { Sql } from "../postgres.ts";
import type { Fragment } from "../projections/session-facts.ts";

/**
 * A page ends at the row that reaches this size, however many more were asked for. By what Postgres stores, before it is
 * compressed: text of control characters is six times as long in JSON.
 */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024;

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
 * The rows of `found`, which is ordered by `order` and has a LIMIT, until they fill a page: one at least. Adds `page_is_full` and
 * further columns, so a list names those that it answers with. What has no room never leaves Postgres.
 */
export function withinPageBytes(sql: Sql, found: Fragment, order: Fragment, large: LargeColumns) {
  return sql`
    SELECT *, bytes_so_far >= ${PAGE_BYTES_MAX}::int AND NOT is_last_found AS page_is_full
    FROM (
      SELECT *, sum(row_bytes) OVER so_far AS bytes_so_far, lead(true) OVER so_far IS NULL AS is_last_found
      FROM (SELECT *, ${bytesOf(sql, large)} AS row_bytes FROM (${found}) found_rows) measured
      WINDOW so_far AS (ORDER BY ${order} ROWS UNBOUNDED PRECEDING)
    ) page
    WHERE bytes_so_far - row_bytes < ${PAGE_BYTES_MAX}::int`;
}

function bytesOf(sql: Sql, { text = [], json = [] }: LargeColumns): Fragment {
  const sizes = [
    ...text.map((column) => sql`coalesce(octet_length(${sql(column)}), 0)`),
    ...json.map((column) => jsonBytes(sql, column)),
  ];
  return sizes.reduce((sum, size) => sql`${sum} + ${size}`, sql`0`);
}

/** Only what is compressed has to be read for its size; adding nothing to an object does no more than that. */
function jsonBytes(sql: Sql, column: string): Fragment {
  return sql`
    CASE WHEN pg_column_compression(${sql(column)}) IS NULL THEN coalesce(pg_column_size(${sql(column)}), 0)
    ELSE pg_column_size(${sql(column)} || '{}'::jsonb) END`;
}
