import type { Connection } from "../connection.ts";
import type { Table } from "./catalog.ts";
import { createDigest, type Digest } from "./digest.ts";
import { quoteIdentifier } from "./read-rows.ts";

const BATCH_ROWS_MAX = 2_000;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Inserts rows that are JSON arrays of text or null, a batch a statement, which Postgres casts. Not by COPY … FROM STDIN: in the
 * driver an error that comes after the last row, such as one of a constraint, leaves the caller waiting forever.
 */
export async function insertRows(
  connection: Connection,
  table: Table,
  columns: readonly string[],
  rows: AsyncIterable<string>,
  onRows: (rows: number) => void,
): Promise<Digest> {
  const statement = insertStatement(table, columns);
  const digest = createDigest();
  let batch: string[] = [];
  let batchBytes = 0;

  async function send(): Promise<void> {
    if (batch.length === 0) return;
    await connection.run(statement, [`[${batch.join(",")}]`]);
    onRows(digest.result().rows);
    batch = [];
    batchBytes = 0;
  }

  for await (const row of rows) {
    digest.add(row);
    batch.push(row);
    batchBytes += row.length;
    if (batch.length === BATCH_ROWS_MAX || batchBytes >= BATCH_BYTES_MAX) await send();
  }
  await send();
  return digest.result();
}

function insertStatement({ name, columns: known }: Table, columns: readonly string[]): string {
  const types = new Map(known.map((column) => [column.name, column.type]));
  const names = columns.map(quoteIdentifier).join(", ");
  const values = columns.map((column, index) => `(value ->> ${index})::${types.get(column)}`).join(", ");
  return `INSERT INTO ${quoteIdentifier(name)} (${names}) OVERRIDING SYSTEM VALUE SELECT ${values} FROM jsonb_array_elements($1::text::jsonb)`;
}
