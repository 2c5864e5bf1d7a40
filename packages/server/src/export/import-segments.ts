import { z } from "zod";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { findTargetFile, type ImportedSegment, type TargetFile } from "../db/export/imported-segments.ts";
import { announceBlob } from "../db/transcripts/unreferenced-blobs.ts";
import { StorageError } from "../errors.ts";
import { decompress } from "../http/decompress.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import { redactFileName } from "../redaction/redact-file-name.ts";
import { putFrame } from "../transcripts/custody/store-piece.ts";

export type SegmentImport = { database: Database; blobs: BlobStore; redaction: Redaction };
export type SegmentLine = {
  row: Record<string, unknown>;
  file?: string[] | undefined;
  bytes?: string | undefined;
};

/** Above the longest line that is kept, and what was held before it. */
const SEGMENT_BYTES_MAX = 128 * 1024 * 1024;
const FILES_KNOWN_MAX = 1_000;

const count = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const segmentSchema = z.object({
  generation: z.int32().min(1),
  source_start: count,
  source_end: count,
  source_hash: hash.nullish().default(null),
  sent_hash: hash.nullish().default(null),
  stored_bytes: z.int().min(1).max(SEGMENT_BYTES_MAX),
  lines: count,
  blob_hash: hash,
  created_at: z.string(),
});

/**
 * Keeps the bytes of exported segments, as custody does: within bounds, and redacted unless that is off in the session's workspace. Null
 * for a line that is left out: its file is missing or of a deleted session, or its bytes are missing or not what its row names.
 */
export function createSegmentImport({ database, blobs, redaction }: SegmentImport) {
  const files = new Map<string, TargetFile | null>();

  async function fileOf([session = "", agent = "", device = "", name = ""]: readonly string[]) {
    const named = [session, agent, device, await redactFileName(redaction, name)];
    const key = JSON.stringify(named);
    const known = files.get(key);
    if (known !== undefined) return known;
    if (files.size >= FILES_KNOWN_MAX) files.clear();
    const file = await database.run((sql) => findTargetFile(sql, named));
    files.set(key, file);
    return file;
  }

  return async function keepSegment({
    row,
    file: named,
    bytes,
  }: SegmentLine): Promise<ImportedSegment | null> {
    const segment = segmentSchema.safeParse(row).data;
    if (segment === undefined || segment.source_end <= segment.source_start) return null;
    const file = named === undefined ? null : await fileOf(named);
    if (file === null || bytes === undefined) return null;
    const frame = Uint8Array.fromBase64(bytes);
    if (new Bun.CryptoHasher("sha256").update(frame).digest("hex") !== segment.blob_hash) return null;
    const content = await contentOf(frame, segment.stored_bytes);
    if (content === null) return null;
    const { file_id, session_id, workspace_id, kind } = file;
    const redacted = redaction.switches.isRedacted(workspace_id)
      ? await redaction.pool.redactPart(content, kind)
      : null;
    if (redacted === null || Object.keys(redacted.counts.hub).length === 0) {
      if (!(await database.run((sql) => announceBlob(sql, segment.blob_hash)))) throw beingRemoved();
      await blobs.put(new Blob([frame]).stream());
      return { ...segment, file_id, session_id, is_redacted: false };
    }
    const stored = {
      stored_bytes: redacted.bytes.length,
      blob_hash: await putFrame({ database, blobs }, redacted.bytes),
    };
    return { ...segment, ...stored, file_id, session_id, is_redacted: true };
  };
}

/** Null: no zstd frame of exactly this size. */
async function contentOf(frame: Uint8Array, bytes: number): Promise<Uint8Array | null> {
  const content = await decompress(frame, "zstd", bytes, () => {}).catch(() => null);
  return content?.byteLength === bytes ? content : null;
}

function beingRemoved(): StorageError {
  const message = "The bytes of a transcript are being removed at this moment. Retry.";
  return new StorageError(message, "STORAGE_LOCKED");
}
