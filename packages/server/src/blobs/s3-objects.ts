import { StorageError } from "../errors.ts";
import { checkHash, isHash } from "./blob-store.ts";

export type ListedObject = { key: string; hash: string; modifiedMs: number };
export type FoundObject = { size: number; modifiedMs: number };

/**
 * The objects of blobs in a bucket, by their hash. Each function throws ValidationError for a name that is no hash, and StorageError
 * STORAGE_UNAVAILABLE for what the store answers.
 */
export type S3Objects = {
  /** Null: it is not there. */
  find(hash: string): Promise<FoundObject | null>;
  read(hash: string): ReadableStream<Uint8Array>;
  /** Answers the bytes that were sent. Visible when it is whole. */
  write(hash: string, path: string): Promise<number>;
  remove(hash: string): Promise<unknown>;
  /** A page of objects in the order of their keys; what is no blob of ours has no time. */
  list(startAfter: string | undefined): Promise<ListedObject[]>;
};

/** As the other stores name their folders. */
const FOLDER_DIGITS = 2;
const LISTED_AT_ONCE = 1_000;
const MISSING = new Set(["NoSuchKey", "NotFound", "404"]);

/** `prefix`: before the names of all objects; empty, or ending with a slash. */
export function createS3Objects(client: Bun.S3Client, prefix: string): S3Objects {
  function keyOf(hash: string): string {
    checkHash(hash);
    return `${prefix}${hash.slice(0, FOLDER_DIGITS)}/${hash}`;
  }

  async function find(hash: string): Promise<FoundObject | null> {
    const key = keyOf(hash);
    try {
      const { size, lastModified } = await client.stat(key);
      return { size, modifiedMs: lastModified.getTime() };
    } catch (error) {
      if (MISSING.has(codeOf(error))) return null;
      throw unavailable(error);
    }
  }

  async function list(startAfter: string | undefined): Promise<ListedObject[]> {
    const page = { prefix, maxKeys: LISTED_AT_ONCE, ...(startAfter === undefined ? {} : { startAfter }) };
    const { contents = [] } = await asked(() => client.list(page));
    return contents.map(({ key, lastModified }) => {
      const hash = key.slice(key.lastIndexOf("/") + 1);
      return { key, hash, modifiedMs: isHash(hash) ? Date.parse(lastModified ?? "") : Number.NaN };
    });
  }

  return {
    find,
    read: (hash) => client.file(keyOf(hash)).stream(),
    write: (hash, path) => asked(() => client.write(keyOf(hash), Bun.file(path))),
    remove: (hash) => asked(() => client.delete(keyOf(hash))),
    list,
  };
}

/** Runs a request to the store. */
export async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw unavailable(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}

/** With the code alone: messages of the client may hold addresses and keys. */
function unavailable(error: unknown): StorageError {
  const message = `The S3 store that BLOB_URL names does not answer as expected (${codeOf(error)}). Check its address, bucket and credentials.`;
  return new StorageError(message, "STORAGE_UNAVAILABLE");
}
