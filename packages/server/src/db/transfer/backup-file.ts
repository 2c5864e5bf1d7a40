import { once } from "node:events";
import { createReadStream } from "node:fs";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { z } from "zod";
import { StorageError } from "../../errors.ts";
import { errorCode } from "../database-errors.ts";
import { createDigest, type Digest } from "./digest.ts";
import { linesOf } from "./lines.ts";
import type { Progress } from "./load.ts";
import type { RowSource } from "./snapshot.ts";

const FORMAT_VERSION = 1;
const WRITE_BYTES = 256 * 1024;

const headerSchema = z.object({
  format: z.literal("wharf-backup"),
  version: z.int(),
  wharf: z.string(),
  postgres: z.string(),
  created_at: z.string(),
  migrations: z.array(z.string()),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })),
  sequences: z.array(
    z.object({ table: z.string(), column: z.string(), last_value: z.string(), is_called: z.boolean() }),
  ),
});
const footerSchema = z.object({ table: z.string(), rows: z.int(), checksum: z.string() });
const endSchema = z.object({ end: z.literal(true), sha256: z.string() });

export type BackupHeader = z.infer<typeof headerSchema>;
export type Origin = Pick<BackupHeader, "wharf" | "postgres" | "created_at">;

/**
 * Writes a backup: zstd over lines of JSON: a header object; for each table an array a row, and an object with
 * their count and checksum; and a last object with the SHA-256 of all lines before.
 */
export async function writeBackup(
  source: RowSource,
  origin: Origin,
  output: Writable,
  progress: Pick<Progress, "onRows" | "onTable">,
): Promise<void> {
  const header: BackupHeader = {
    format: "wharf-backup",
    version: FORMAT_VERSION,
    ...origin,
    ...source.contents,
  };
  const compressor = zlib.createZstdCompress({ params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } });
  await Promise.all([
    pipeline(compressor, output, { end: output !== process.stdout }),
    write(compressor, contentOf(source, header, progress)),
  ]);
}

async function write(compressor: Writable, content: AsyncIterable<string>): Promise<void> {
  const hash = new Bun.CryptoHasher("sha256");
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const flush = async () => {
    const block = Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
    if (!compressor.write(block)) await once(compressor, "drain");
  };
  try {
    for await (const piece of content) {
      const line = Buffer.from(`${piece}\n`);
      hash.update(line);
      pieces.push(line);
      bytes += line.length;
      if (bytes >= WRITE_BYTES) await flush();
    }
    pieces.push(Buffer.from(`${JSON.stringify({ end: true, sha256: hash.digest("hex") })}\n`));
    await flush();
    compressor.end();
  } catch (error) {
    compressor.destroy(error instanceof Error ? error : new Error("The backup failed."));
    throw error;
  }
}

async function* contentOf(
  source: RowSource,
  header: BackupHeader,
  progress: Pick<Progress, "onRows" | "onTable">,
): AsyncGenerator<string> {
  yield JSON.stringify(header);
  for (const { name } of header.tables) {
    const digest = createDigest();
    for await (const row of source.rows(name)) {
      digest.add(row);
      yield row;
      progress.onRows(name, digest.result().rows);
    }
    const result = digest.result();
    yield JSON.stringify({ table: name, ...result });
    progress.onTable(name, result);
  }
}

export type BackupReader = RowSource & {
  header: BackupHeader;
  /** Checks the last line, after all tables were read. */
  finish(): Promise<void>;
};

/**
 * Opens a backup for reading. Every count and checksum is compared as it is read.
 * Throws StorageError BACKUP_UNREADABLE, BACKUP_DAMAGED or BACKUP_VERSION_UNKNOWN, also while it is read.
 */
export async function openBackup(path: string): Promise<BackupReader> {
  const hash = new Bun.CryptoHasher("sha256");
  const lines = linesOf(decompressed(path));

  async function next(): Promise<string> {
    const { done, value } = await lines.next().catch((error: unknown) => {
      throw unreadable(path, error);
    });
    if (done === true) throw damaged(path, "it ends too early");
    return value;
  }

  async function nextHashed(): Promise<string> {
    const line = await next();
    hash.update(`${line}\n`);
    return line;
  }

  async function* rows(table: string): AsyncGenerator<string> {
    const digest = createDigest();
    let line = await nextHashed();
    for (; line.startsWith("["); line = await nextHashed()) {
      digest.add(line);
      yield line;
    }
    const footer = parseLine(path, footerSchema, line);
    if (!matches(footer, table, digest.result())) throw damaged(path, `the rows of ${table} differ`);
  }

  async function finish(): Promise<void> {
    const expected = hash.digest("hex");
    const { sha256 } = parseLine(path, endSchema, await next());
    if (sha256 !== expected) throw damaged(path, "its checksum differs");
  }

  const header = parseHeader(path, await nextHashed());
  const { migrations, tables, sequences } = header;
  return { header, contents: { migrations, tables, sequences }, rows, finish };
}

/** Reads all of it, so that a damaged file is refused before anything is written. */
export async function verifyBackup(path: string): Promise<BackupHeader> {
  const backup = await openBackup(path);
  for (const { name } of backup.header.tables) for await (const _ of backup.rows(name));
  await backup.finish();
  return backup.header;
}

async function* decompressed(path: string): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path);
  const decompressor = zlib.createZstdDecompress();
  file.on("error", (error) => decompressor.destroy(error));
  file.pipe(decompressor);
  try {
    for await (const chunk of decompressor) yield chunk;
  } finally {
    file.destroy();
    decompressor.destroy();
  }
}

function matches(footer: z.infer<typeof footerSchema>, table: string, { rows, checksum }: Digest): boolean {
  return footer.table === table && footer.rows === rows && footer.checksum === checksum;
}

function parseHeader(path: string, line: string): BackupHeader {
  const version = parseLine(path, z.object({ version: z.int() }), line).version;
  if (version === FORMAT_VERSION) return parseLine(path, headerSchema, line);
  throw new StorageError(
    `${path} is a backup of format ${version}, and this version of Wharf reads format ${FORMAT_VERSION}. Restore it with the version of Wharf that created it.`,
    "BACKUP_VERSION_UNKNOWN",
  );
}

function parseLine<T>(path: string, schema: z.ZodType<T>, line: string): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch {
    throw damaged(path, "a line of it cannot be read");
  }
}

function unreadable(path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = errorCode(error);
  if (code === undefined || code.startsWith("ZSTD") || code.startsWith("ERR_"))
    return damaged(path, "it cannot be decompressed");
  return new StorageError(`${path} cannot be read (${code}).`, "BACKUP_UNREADABLE");
}

function damaged(path: string, reason: string): StorageError {
  return new StorageError(
    `${path} is damaged, or is not a backup of Wharf: ${reason}. Nothing was restored.`,
    "BACKUP_DAMAGED",
  );
}
