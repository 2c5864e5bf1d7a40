import type { Connection } from "../connection.ts";

/** What a fetch should bring at most, and what it may bring where one row is large: the number of rows follows their size. */
const FETCH_BYTES = 2 * 1024 * 1024;
const FETCH_ROWS_FIRST = 16;
const FETCH_ROWS_MAX = 256;

/**
 * The rows of a table, each as a JSON array of its columns' text or null. Within a transaction, by a cursor: in the driver a
 * COPY … TO STDOUT whose reader is slow can leave the socket paused forever.
 */
export async function* readRows(
  connection: Connection,
  table: string,
  columns: readonly string[],
): AsyncGenerator<string> {
  const values = columns.map((column) => `${quoteIdentifier(column)}::text`).join(", ");
  await connection.script(
    `DECLARE transfer_rows NO SCROLL CURSOR FOR SELECT json_build_array(${values})::text AS row FROM ${quoteIdentifier(table)}`,
  );
  let count = FETCH_ROWS_FIRST;
  for (;;) {
    const rows = await connection.run<{ row: string }>(`FETCH ${count} FROM transfer_rows`);
    let bytes = 0;
    for (const { row } of rows) {
      bytes += row.length;
      yield row;
    }
    if (rows.length < count) break;
    count = Math.max(1, Math.min(FETCH_ROWS_MAX, Math.floor((count * FETCH_BYTES) / bytes)));
  }
  await connection.script("CLOSE transfer_rows");
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
