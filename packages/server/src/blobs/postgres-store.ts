import type { Database } from "../db/database.ts";
import { errorCode } from "../db/database-errors.ts";
import { createDeleteInPieces, type Piece } from "../db/delete-in-pieces.ts";
import {
  appendBlobChunk,
  beginBlob,
  completeBlob,
  deleteBlob,
  dropBlobUpload,
  expireBlobs,
  findBlob,
  readBlobChunk,
  sweepBlobUploads,
  touchBlob,
} from "../db/edits/blobs.ts";
import { StorageError } from "../errors.ts";
import { type Blob, type BlobStore, checkedStream, checkHash, damaged } from "./blob-store.ts";
import { chunksOf } from "./chunks.ts";

/** Small enough for a statement's deadline over a slow line, large enough to compress well. */
const CHUNK_BYTES = 1_048_576;
/** Of the first statement that deletes some; each of them may have many chunks. */
const BLOBS_FIRST = 20;
const UNIQUE_VIOLATION = "23505";

/**
 * Blobs as rows of Postgres: one backup holds all, and every replica sees them. Each chunk is compressed by itself and
 * written by its own statement, so that no transaction is open while the sender is slow.
 */
export function createPostgresBlobStore(database: Database): BlobStore {
  const deleteInPieces = createDeleteInPieces(database);

  async function put(content: ReadableStream<Uint8Array>): Promise<Blob> {
    const id = await database.run(beginBlob);
    try {
      const { chunks, ...blob } = await upload(id, content);
      if (!(await complete(id, { ...blob, chunks }))) await dropUpload(id);
      return blob;
    } catch (error) {
      await dropUpload(id).catch(() => undefined);
      throw error;
    }
  }

  async function upload(id: string, content: ReadableStream<Uint8Array>): Promise<Blob & { chunks: number }> {
    const hasher = new Bun.CryptoHasher("sha256");
    let size = 0;
    let chunks = 0;
    for await (const chunk of chunksOf(content, CHUNK_BYTES)) {
      hasher.update(chunk);
      const data = await Bun.zstdCompress(chunk);
      const isAppended = await database.run((sql) => appendBlobChunk(sql, id, chunks, data));
      if (!isAppended) throw swept();
      size += chunk.length;
      chunks += 1;
    }
    return { hash: hasher.digest("hex"), size, chunks };
  }

  /** False when the same content is there already. Twice, as that may expire in between. */
  async function complete(id: string, blob: Blob & { chunks: number }): Promise<boolean> {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      if (await completeIfNew(id, blob)) return true;
      if (await database.run((sql) => touchBlob(sql, blob.hash))) return false;
    }
    throw swept();
  }

  async function completeIfNew(id: string, blob: Blob & { chunks: number }): Promise<boolean> {
    try {
      return await database.run((sql) => completeBlob(sql, id, blob));
    } catch (error) {
      if (errorCode(error) === UNIQUE_VIOLATION) return false;
      throw error;
    }
  }

  async function get(hash: string) {
    checkHash(hash);
    const blob = await database.run((sql) => findBlob(sql, hash));
    if (blob === undefined) return undefined;
    let position = 0;
    const read = async () => {
      if (position === blob.chunk_count) return undefined;
      const data = await database.run((sql) => readBlobChunk(sql, blob.id, position));
      if (data === undefined) throw damaged(hash);
      position += 1;
      return await decompress(hash, data);
    };
    return checkedStream({ hash, size: blob.size_bytes }, read, async () => undefined);
  }

  async function exists(hash: string): Promise<boolean> {
    checkHash(hash);
    return (await database.run((sql) => findBlob(sql, hash))) !== undefined;
  }

  async function remove(hash: string): Promise<boolean> {
    checkHash(hash);
    return await database.run((sql) => deleteBlob(sql, hash));
  }

  const dropUpload = (id: string) => database.run((sql) => dropBlobUpload(sql, id));
  async function removeAll(piece: Piece, signal: AbortSignal | undefined): Promise<number> {
    let removed = 0;
    const onDeleted = (blobs: number) => {
      removed += blobs;
    };
    await deleteInPieces(piece, { signal, rowsFirst: BLOBS_FIRST, onDeleted });
    return removed;
  }

  const sweep = (ageMs: number, signal?: AbortSignal) =>
    removeAll((sql, max) => sweepBlobUploads(sql, ageMs, max), signal);
  const expire = (ageMs: number, signal?: AbortSignal) =>
    removeAll((sql, max) => expireBlobs(sql, ageMs, max), signal);

  return { put, get, exists, delete: remove, sweep, expire };
}

async function decompress(hash: string, data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await Bun.zstdDecompress(data));
  } catch {
    throw damaged(hash);
  }
}

function swept(): StorageError {
  return new StorageError("The upload was interrupted: send the content again.", "STORAGE_BLOB_INTERRUPTED");
}
