import type { BlobStore } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { EXPORTED_TABLES } from "../db/export/exported-tables.ts";
import { type ExportedRow, readExportedRows } from "../db/export/read-rows.ts";

/** The last row that was exported. */
export type ExportPosition = { table: string; key: string[] };

export type ExportOptions = {
  database: Database;
  blobs: BlobStore;
  writeCursor: (position: ExportPosition) => string;
};

const encoder = new TextEncoder();
const encode = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);

/**
 * Everything behind `after` as NDJSON: rows, a cursor after each megabyte or so, and an end. A row of a transcript's segment holds its
 * bytes. One piece is in memory at a time.
 */
export async function* exportHub(
  { database, blobs, writeCursor }: ExportOptions,
  after: ExportPosition | null,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const first = after === null ? 0 : EXPORTED_TABLES.findIndex(({ name }) => name === after.table);
  for (const [index, table] of EXPORTED_TABLES.slice(first).entries()) {
    let key = index === 0 ? (after?.key ?? null) : null;
    for (;;) {
      const position = key;
      const rows = await database.run((sql) => readExportedRows(sql, table, position));
      const last = rows.at(-1);
      if (last === undefined) break;
      if (last.blob_hash === null) yield encode(rows.map(({ line }) => `${line}\n`).join(""));
      else for (const row of rows) yield await withBytes(blobs, row);
      key = last.key;
      yield encode(`${JSON.stringify({ cursor: writeCursor({ table: table.name, key }) })}\n`);
    }
  }
  yield encode('{"end":true}\n');
}

/** The line of a segment whose blob is missing has no bytes, and is not imported. */
async function withBytes(
  blobs: BlobStore,
  { line, blob_hash }: ExportedRow,
): Promise<Uint8Array<ArrayBuffer>> {
  const content = blob_hash === null ? undefined : await blobs.get(blob_hash);
  if (content === undefined) return encode(`${line}\n`);
  const base64 = (await new Response(content).bytes()).toBase64();
  return encode(`${line.slice(0, -1)},"bytes":"${base64}"}\n`);
}
