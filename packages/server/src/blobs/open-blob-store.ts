import type { Database } from "../db/database.ts";
import { findReferencedBlobs } from "../db/transcripts/unreferenced-blobs.ts";
import { resolveFromRoot } from "../environment.ts";
import type { BlobLocation } from "./blob-location.ts";
import type { BlobStore, FindReferenced } from "./blob-store.ts";
import { createDirectoryBlobStore } from "./directory-store.ts";
import { createPostgresBlobStore } from "./postgres-store.ts";

/** The store at a location. In any of them, blobs to which a segment in `database` refers do not expire. */
export async function openBlobStore(location: BlobLocation, database: Database): Promise<BlobStore> {
  if (location.kind === "postgres") return createPostgresBlobStore(database);
  const findReferenced: FindReferenced = (hashes) => database.run((sql) => findReferencedBlobs(sql, hashes));
  return await createDirectoryBlobStore(resolveFromRoot(location.path), findReferenced);
}
