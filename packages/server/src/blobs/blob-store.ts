import { StorageError, ValidationError } from "../errors.ts";

/** What is stored is named by the SHA-256 of its content, in lower-case hex. */
export type Blob = { hash: string; size: number };

/**
 * Content of any size, streamed in and out with a bounded part of it in memory. The same content is stored once, so that
 * Call `delete` only if no other reference exists.
 */
export type BlobStore = {
  /** Resolves once the content is on disk. A stream that fails, or a process that dies, leaves nothing that can be read. */
  put(content: ReadableStream<Uint8Array>): Promise<Blob>;
  /**
   * Undefined for a blob that is not there. The stream fails with StorageError STORAGE_BLOB_DAMAGED at its end, or before,
   * when it is not what was put.
   */
  get(hash: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined>;
  exists(hash: string): Promise<boolean>;
  /** False when there was nothing to delete. */
  delete(hash: string): Promise<boolean>;
  /** Removes uploads of interrupted puts without additions for `ageMs`; answers how many. */
  sweep(ageMs: number, signal?: AbortSignal): Promise<number>;
  /** Removes the blobs not stored or stored again for `ageMs` to which no transcript refers; returns their number. */
  expire(ageMs: number, signal?: AbortSignal): Promise<number>;
};

/** Which of these blobs transcripts refer to. */
export type FindReferenced = (hashes: readonly string[]) => Promise<ReadonlySet<string>>;

const HASH = /^[0-9a-f]{64}$/;

export function isHash(name: string): boolean {
  return HASH.test(name);
}

/** Throws ValidationError for anything but a hash: no name from outside ever becomes part of a path. */
export function checkHash(hash: string): void {
  if (isHash(hash)) return;
  throw new ValidationError("A blob is named by 64 hexadecimal digits in lower case.", "BLOB_HASH_INVALID");
}

/**
 * A stream of the chunks that `read` answers until undefined, checked against the hash at its end. `read` is asked for one
 * chunk at a time, when the reader wants it.
 */
export function checkedStream(
  { hash, size }: Blob,
  read: () => Promise<Uint8Array<ArrayBuffer> | undefined>,
  release: () => Promise<unknown>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const hasher = new Bun.CryptoHasher("sha256");
  let length = 0;

  async function pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) {
    try {
      const chunk = await read();
      if (chunk !== undefined) {
        length += chunk.length;
        hasher.update(chunk);
        controller.enqueue(chunk);
        return;
      }
    } catch (error) {
      await release();
      throw error;
    }
    await release();
    if (length !== size || hasher.digest("hex") !== hash) throw damaged(hash);
    controller.close();
  }

  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull,
      cancel: async () => {
        await release();
      },
    },
    { highWaterMark: 0 },
  );
}

export function damaged(hash: string): StorageError {
  const message = "A stored blob is not what was put: restore it from a backup, or delete it.";
  return new StorageError(message, "STORAGE_BLOB_DAMAGED", { context: { hash } });
}
