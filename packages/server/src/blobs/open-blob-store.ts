import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../db/database.ts";
import { findReferencedBlobs } from "../db/transcripts/unreferenced-blobs.ts";
import { resolveFromRoot } from "../environment.ts";
import type { BlobLocation, S3Access } from "./blob-location.ts";
import type { BlobStore, FindReferenced } from "./blob-store.ts";
import { createDirectoryBlobStore } from "./directory-store.ts";
import { createPostgresBlobStore } from "./postgres-store.ts";
import { createS3BlobStore } from "./s3-store.ts";

/** The store at a location. In any of them, blobs to which a segment in `database` refers do not expire. */
export async function openBlobStore(location: BlobLocation, database: Database): Promise<BlobStore> {
  const inPostgres = createPostgresBlobStore(database);
  if (location.kind === "postgres") return inPostgres;
  return withEarlier(await openElsewhere(location, database), inPostgres);
}

async function openElsewhere(
  location: Exclude<BlobLocation, { kind: "postgres" }>,
  database: Database,
): Promise<BlobStore> {
  const findReferenced: FindReferenced = (hashes) => database.run((sql) => findReferencedBlobs(sql, hashes));
  if (location.kind === "directory")
    return await createDirectoryBlobStore(resolveFromRoot(location.path), findReferenced);
  const { bucket, prefix, access } = location;
  const client = new Bun.S3Client({ bucket, ...givenOnly(access) });
  return createS3BlobStore({ client, prefix, incoming: incomingFolder(), findReferenced });
}

/** What was put before the location was set is where it was, and is read and deleted there. */
function withEarlier(store: BlobStore, earlier: BlobStore): BlobStore {
  return {
    put: store.put,
    get: async (hash) => (await store.get(hash)) ?? (await earlier.get(hash)),
    exists: async (hash) => (await store.exists(hash)) || (await earlier.exists(hash)),
    delete: async (hash) => {
      const isDeleted = await store.delete(hash);
      return (await earlier.delete(hash)) || isDeleted;
    },
    sweep: async (...limits) => (await store.sweep(...limits)) + (await earlier.sweep(...limits)),
    expire: async (...limits) => (await store.expire(...limits)) + (await earlier.expire(...limits)),
  };
}

/** Of this process, so that no other one sweeps what is under way. */
function incomingFolder(): string {
  return join(tmpdir(), `wharf-blobs-${process.getuid?.() ?? "user"}-${process.pid}`);
}

function givenOnly(access: S3Access): Bun.S3Options {
  return Object.fromEntries(Object.entries(access).filter(([, value]) => value !== undefined));
}
