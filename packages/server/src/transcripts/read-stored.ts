import type { BlobStore } from "../blobs/blob-store.ts";
import { damaged } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { type FileGeneration, listSegments, type Segment } from "../db/transcripts/segments.ts";

export type StoredTranscripts = { database: Database; blobs: BlobStore };

const SEGMENTS_PER_READ = 100;

/**
 * The bytes of a generation as kept, from byte `from` on, one segment at a time: whole lines, but for a last one that is torn.
 * Throws StorageError STORAGE_BLOB_DAMAGED for a segment whose blob is missing or not what was put.
 */
export async function* readStored(
  { database, blobs }: StoredTranscripts,
  place: FileGeneration,
  from = 0,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let position = from; ; ) {
    const segments = await database.run((sql) => listSegments(sql, place, position, SEGMENTS_PER_READ));
    if (segments.length === 0) return;
    for (const segment of segments) {
      const bytes = await readSegment(blobs, segment);
      yield bytes.subarray(Math.max(0, position - segment.stored_start));
      position = segment.stored_start + segment.stored_bytes;
    }
  }
}

/** The bytes of one segment. Throws StorageError STORAGE_BLOB_DAMAGED. */
export async function readSegment(
  blobs: BlobStore,
  { blob_hash, stored_bytes }: Segment,
): Promise<Uint8Array<ArrayBuffer>> {
  const content = await blobs.get(blob_hash);
  if (content === undefined) throw damaged(blob_hash);
  const bytes = new Uint8Array(await Bun.zstdDecompress(await new Response(content).bytes()));
  if (bytes.byteLength !== stored_bytes) throw damaged(blob_hash);
  return bytes;
}
