import type { Database } from "../db/database.ts";
import { resolveFromRoot } from "../environment.ts";
import type { BlobLocation } from "./blob-location.ts";
import type { BlobStore } from "./blob-store.ts";
import { createDirectoryBlobStore } from "./directory-store.ts";
import { createPostgresBlobStore } from "./postgres-store.ts";

/** The store at a location; `openDatabase` is called for the one in Postgres alone. */
export async function openBlobStore(
  location: BlobLocation,
  openDatabase: () => Database,
): Promise<BlobStore> {
  if (location.kind === "postgres") return createPostgresBlobStore(openDatabase());
  return await createDirectoryBlobStore(resolveFromRoot(location.path));
}
