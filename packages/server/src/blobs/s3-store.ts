import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import pLimit, { type LimitFunction } from "p-limit";
import { StorageError } from "../errors.ts";
import { type Blob, type BlobStore, checkedStream, type FindReferenced } from "./blob-store.ts";
import { isOlder, write } from "./directory-store.ts";
import { asked, createS3Objects } from "./s3-objects.ts";

export type S3Options = {
  client: Bun.S3Client;
  /** Before the names of all objects; empty, or ending with a slash. */
  prefix: string;
  /** A folder of this machine, where content waits until its hash is known. */
  incoming: string;
  findReferenced: FindReferenced;
};

/** Of hashes that are written or removed at this moment. */
const TURNS_MAX = 10_000;

/**
 * Blobs as objects of a bucket, each at `ab/ab12…` under its hash, in any store that speaks S3. Throws StorageError STORAGE_UNAVAILABLE
 * for errors of the store.
 */
export function createS3BlobStore({ client, prefix, incoming, findReferenced }: S3Options): BlobStore {
  const objects = createS3Objects(client, prefix);
  const inTurnOf = createTurns();

  async function put(content: ReadableStream<Uint8Array>): Promise<Blob> {
    const path = join(incoming, crypto.randomUUID());
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    try {
      const blob = await write(path, content);
      // Written again if it is there: its new time keeps it from expiring.
      const sent = await inTurnOf(blob.hash, () => objects.write(blob.hash, path));
      if (sent !== blob.size) throw interrupted();
      return blob;
    } finally {
      await rm(path, { force: true });
    }
  }

  async function get(hash: string) {
    const found = await objects.find(hash);
    if (found === null) return undefined;
    const reader = objects.read(hash).getReader();
    const read = async () => {
      const { value } = await asked(() => reader.read());
      return value === undefined ? undefined : new Uint8Array(value);
    };
    return checkedStream({ hash, size: found.size }, read, () => reader.cancel().catch(() => undefined));
  }

  /** False: there is none that is as old. */
  async function removeUntil(hash: string, untilMs: number): Promise<boolean> {
    return await inTurnOf(hash, async () => {
      const found = await objects.find(hash);
      if (found === null || found.modifiedMs > untilMs) return false;
      await objects.remove(hash);
      return true;
    });
  }

  async function expire(ageMs: number, signal?: AbortSignal): Promise<number> {
    const beforeMs = Date.now() - ageMs;
    let removed = 0;
    for (let startAfter: string | undefined; signal?.aborted !== true; ) {
      const page = await objects.list(startAfter);
      const old = page.filter(({ modifiedMs }) => modifiedMs <= beforeMs).map(({ hash }) => hash);
      const referenced = await findReferenced(old);
      for (const hash of old) if (!referenced.has(hash) && (await removeUntil(hash, beforeMs))) removed += 1;
      startAfter = page.at(-1)?.key;
      if (startAfter === undefined) break;
    }
    return removed;
  }

  return {
    put,
    get,
    exists: async (hash) => (await objects.find(hash)) !== null,
    delete: (hash) => removeUntil(hash, Number.POSITIVE_INFINITY),
    sweep: (ageMs) => sweepFolder(incoming, ageMs),
    expire,
  };
}

async function sweepFolder(folder: string, ageMs: number): Promise<number> {
  const beforeMs = Date.now() - ageMs;
  let removed = 0;
  // The folder is made with the first blob.
  const names = await readdir(folder).catch(() => []);
  for (const path of names.map((name) => join(folder, name))) {
    if (!(await isOlder(path, beforeMs))) continue;
    await rm(path, { force: true });
    removed += 1;
  }
  return removed;
}

type InTurnOf = <T>(hash: string, work: () => Promise<T>) => Promise<T>;

/** S3 has no removal that depends on a time: within this process, writes and removals of one object take turns. */
function createTurns(): InTurnOf {
  const turns = new LRUCache<string, LimitFunction>({ max: TURNS_MAX });
  return async function inTurnOf(hash, work) {
    const turn = turns.get(hash) ?? pLimit(1);
    turns.set(hash, turn);
    return await turn(work);
  };
}

function interrupted(): StorageError {
  return new StorageError("The upload was interrupted: send the content again.", "STORAGE_BLOB_INTERRUPTED");
}
