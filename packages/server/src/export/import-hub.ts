import { createLineSplitter, type Line } from "@wharf/transcripts";
import { z } from "zod";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { isDataError } from "../db/database-errors.ts";
import { EXPORTED_TABLES, type ExportedTable, IGNORED_TABLES } from "../db/export/exported-tables.ts";
import { writeImportedSegments } from "../db/export/imported-segments.ts";
import { readTargetTable, type TargetTable, writeExportedRows } from "../db/export/write-rows.ts";
import { transaction } from "../db/transaction.ts";
import { readIndexed } from "../db/transcripts/spilled-results.ts";
import { ValidationError } from "../errors.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import { writeDocuments } from "../search/write-documents.ts";
import { flawOfRow, type RowLimits } from "./check-row.ts";
import { createSegmentImport } from "./import-segments.ts";
import { createRowRedaction } from "./redact-row.ts";

export type ImportOptions = {
  database: Database;
  blobs: BlobStore;
  redaction: Redaction;
  limits: RowLimits;
};
export type Imported = { rows: number; stored: number };

/** As base64, a segment with one line of 32 MB that cannot be compressed. */
export const IMPORT_LINE_BYTES_MAX = 44 * 1024 * 1024;
const BATCH_ROWS_MAX = 500;
const BATCH_CHARACTERS_MAX = 4 * 1024 * 1024;
const SEGMENTS = "transcript_segments";
const BLOCKS = "content_blocks";

const tables = new Map(EXPORTED_TABLES.map((table) => [table.name, table]));
const lineSchema = z.union([
  z.object({ cursor: z.string() }),
  z.object({ end: z.literal(true) }),
  z.object({
    table: z.string().refine((name) => tables.has(name) || IGNORED_TABLES.has(name)),
    row: z.record(z.string(), z.unknown()),
    workspace: z.string().optional(),
    file: z.array(z.string()).length(4).optional(),
    bytes: z.base64().optional(),
  }),
]);
type RowLine = Extract<z.infer<typeof lineSchema>, { table: string }>;

type Batch = {
  table: ExportedTable;
  columns: string;
  lines: string[];
  characters: number;
  /** Of blocks. */
  message_ids: Set<string>;
};

/**
 * Stores the rows of an export, or of a part of it, that are not there yet, in batches that are each committed. Importing a line again
 * changes nothing. Throws ValidationError with the number of a line that is not one of an export; the lines before it are stored.
 */
export async function importHub(
  { database, blobs, redaction, limits }: ImportOptions,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Imported> {
  await redaction.switches.refresh();
  const keepSegment = createSegmentImport({ database, blobs, redaction });
  const redactRow = createRowRedaction({ database, redaction });
  const imported: Imported = { rows: 0, stored: 0 };
  const targets = new Map<string, TargetTable>();
  let batch: Batch | null = null;
  let number = 0;

  async function targetOf(name: string): Promise<TargetTable> {
    const target = targets.get(name) ?? (await database.run((sql) => readTargetTable(sql, name)));
    targets.set(name, target);
    return target;
  }

  async function store(full: Batch): Promise<void> {
    const { table, lines, columns, message_ids } = full;
    if (table.name === SEGMENTS) {
      imported.stored += await database.run((sql) => writeImportedSegments(sql, lines));
      return;
    }
    const target = await targetOf(table.name);
    const sent = new Set(columns.split(","));
    const known = {
      columns: target.columns.filter((column) => sent.has(column)),
      parents: target.parents.filter((parent) => parent.columns.every((column) => sent.has(column))),
    };
    if (known.columns.length === 0) throw notAnExport(number);
    const stored = await storeRows(database, table, known, lines, number);
    imported.stored += stored;
    if (message_ids.size > 0 && stored > 0) await writeDocumentsOf(database, [...message_ids]);
  }

  async function flush(): Promise<void> {
    if (batch !== null) await store(batch);
    batch = null;
  }

  async function readChecked(line: Line): Promise<(RowLine & { exported: ExportedTable }) | null> {
    const read = readLine(line, number);
    if (read === null) return null;
    const exported = tables.get(read.table);
    if (exported === undefined) throw notAnExport(number);
    const flaw = flawOfRow(read.table, read.row, await targetOf(read.table), limits);
    if (flaw !== null) throw refused(number, flaw);
    return { ...read, exported };
  }

  async function take(line: Line): Promise<void> {
    number += 1;
    const read = await readChecked(line).catch(async (error: unknown) => {
      await flush();
      throw error;
    });
    if (read === null) return;
    imported.rows += 1;
    const text = await textOf(line, read);
    if (text === null) return;
    const { exported: table, row } = read;
    const columns = Object.keys(row).sort().join(",");
    if (batch !== null && !hasRoom(batch, table, columns, text.length)) await flush();
    batch ??= { table, columns, lines: [], characters: 0, message_ids: new Set() };
    batch.lines.push(text);
    batch.characters += text.length;
    if (table.name === BLOCKS) batch.message_ids.add(String(row["message_id"]));
  }

  /** A row as it is kept; null: it is not. As it was sent, because JSON.parse would change large numbers in the data of events. */
  async function textOf(line: Line, read: RowLine): Promise<string | null> {
    if (read.table !== SEGMENTS) return "text" in line ? await redactRow(line.text, read) : null;
    const segment = await keepSegment(read);
    return segment === null ? null : JSON.stringify(segment);
  }

  const splitter = createLineSplitter({ line_bytes_max: IMPORT_LINE_BYTES_MAX });
  for await (const chunk of chunks) for (const line of splitter.push(chunk)) await take(line);
  for (const line of splitter.torn().bytes > 0 ? splitter.push(NEWLINE) : []) await take(line);
  await flush();
  return imported;
}

const NEWLINE = new Uint8Array([10]);

function hasRoom(batch: Batch, table: ExportedTable, columns: string, characters: number): boolean {
  return (
    batch.table === table &&
    batch.columns === columns &&
    batch.lines.length < BATCH_ROWS_MAX &&
    batch.characters + characters <= BATCH_CHARACTERS_MAX
  );
}

async function storeRows(
  database: Database,
  table: ExportedTable,
  target: Pick<TargetTable, "columns" | "parents">,
  lines: readonly string[],
  number: number,
): Promise<number> {
  try {
    return await database.run((sql) => writeExportedRows(sql, table, target, lines));
  } catch (error) {
    if (isDataError(error)) throw notAnExport(number);
    throw error;
  }
}

/** What is searched of messages, once some of their blocks are there. */
async function writeDocumentsOf(database: Database, message_ids: readonly string[]): Promise<void> {
  await database.run((sql) =>
    transaction(sql, async ({ query }) => {
      await writeDocuments(query, await readIndexed(query, message_ids));
    }),
  );
}

/** Null: a line without a row. */
function readLine(line: Line, number: number): RowLine | null {
  if (!("text" in line)) throw notAnExport(number);
  if (line.text.trim() === "") return null;
  const parsed = lineSchema.safeParse(parseJson(line.text));
  if (!parsed.success) throw notAnExport(number);
  return "table" in parsed.data && tables.has(parsed.data.table) ? parsed.data : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function notAnExport(number: number): ValidationError {
  return refused(number, "is not a line of an export");
}

function refused(number: number, reason: string): ValidationError {
  return new ValidationError(`Line ${number} ${reason}. The lines before it are stored.`, "IMPORT_INVALID");
}
