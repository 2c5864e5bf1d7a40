import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StorageError } from "../errors.ts";
import {
  type Blob,
  type BlobStore,
  checkedStream,
  checkHash,
  type FindReferenced,
  isHash,
} from "./blob-store.ts";

const READ_BYTES = 262_144;
/** Of the hash's digits, so many name the folder: 256 folders hold a million blobs at 4,000 each. */
const FOLDER_DIGITS = 2;
const FOLDER = /^[0-9a-f]{2}$/;

/**
 * Blobs as files of a folder, each at `ab/ab12…` under its hash. A file is written next to them, forced to disk and then
 * renamed, so that what has a hash for a name is whole.
 */
export async function createDirectoryBlobStore(
  root: string,
  findReferenced: FindReferenced,
): Promise<BlobStore> {
  const incoming = join(root, "incoming");
  await mkdir(incoming, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw unusable(error);
  });

  async function put(content: ReadableStream<Uint8Array>): Promise<Blob> {
    const path = join(incoming, crypto.randomUUID());
    try {
      const blob = await write(path, content);
      const target = pathOf(blob.hash);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await rename(path, target);
      await syncFolder(dirname(target));
      await syncFolder(root);
      return blob;
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  async function get(hash: string) {
    const file = await openIfThere(pathOf(hash));
    if (file === undefined) return undefined;
    const { size } = await file.stat();
    const read = async () => {
      const { bytesRead, buffer } = await file.read(new Uint8Array(READ_BYTES));
      return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
    };
    return checkedStream({ hash, size }, read, () => file.close());
  }

  async function exists(hash: string): Promise<boolean> {
    return (await orMissing(stat(pathOf(hash)))) !== undefined;
  }

  async function remove(hash: string): Promise<boolean> {
    const isGone = (await orMissing(rm(pathOf(hash)).then(() => true))) ?? false;
    if (isGone) await syncFolder(dirname(pathOf(hash)));
    return isGone;
  }

  async function sweep(ageMs: number): Promise<number> {
    const beforeMs = Date.now() - ageMs;
    const removed = (await readdir(incoming)).map(async (name) => {
      if (!(await isOlder(join(incoming, name), beforeMs))) return 0;
      await rm(join(incoming, name), { force: true });
      return 1;
    });
    return (await Promise.all(removed)).reduce<number>((sum, one) => sum + one, 0);
  }

  async function expire(ageMs: number, signal?: AbortSignal): Promise<number> {
    const beforeMs = Date.now() - ageMs;
    let removed = 0;
    for (const folder of (await readdir(root)).filter((name) => FOLDER.test(name))) {
      if (signal?.aborted === true) break;
      const hashes = (await readdir(join(root, folder))).filter(isHash);
      const referenced = await findReferenced(hashes);
      for (const hash of hashes)
        if (!referenced.has(hash) && (await removeIfOld(pathOf(hash), beforeMs))) removed += 1;
    }
    return removed;
  }

  /** Looked at again where no put can reach it: one that came in between has given the file a new time. */
  async function removeIfOld(path: string, beforeMs: number): Promise<boolean> {
    if (!(await isOlder(path, beforeMs))) return false;
    const aside = join(incoming, crypto.randomUUID());
    if ((await orMissing(rename(path, aside).then(() => true))) === undefined) return false;
    if (!(await isOlder(aside, beforeMs))) {
      await rename(aside, path);
      return false;
    }
    await rm(aside, { force: true });
    return true;
  }

  function pathOf(hash: string): string {
    checkHash(hash);
    return join(root, hash.slice(0, FOLDER_DIGITS), hash);
  }

  return { put, get, exists, delete: remove, sweep, expire };
}

/** Writes content to a new file and forces it to disk; returns its hash and size. */
export async function write(path: string, content: ReadableStream<Uint8Array>): Promise<Blob> {
  const hasher = new Bun.CryptoHasher("sha256");
  const file = await open(path, "wx", 0o600);
  let size = 0;
  try {
    for await (const chunk of content) {
      hasher.update(chunk);
      await file.writeFile(chunk);
      size += chunk.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { hash: hasher.digest("hex"), size };
}

/** Without it a power failure may take the new name back, though the content is on disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}

/** False for what is not there. */
export async function isOlder(path: string, beforeMs: number): Promise<boolean> {
  const found = await orMissing(stat(path));
  return found !== undefined && found.mtimeMs <= beforeMs;
}

const openIfThere = (path: string): Promise<FileHandle | undefined> => orMissing(open(path, "r"));

async function orMissing<T>(access: Promise<T>): Promise<T | undefined> {
  try {
    return await access;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function unusable(error: unknown): StorageError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  const message = `The folder that BLOB_URL names cannot be written to (${code}): make it, or give Wharf the right to it.`;
  return new StorageError(message, "STORAGE_BLOB_FOLDER_UNUSABLE");
}
