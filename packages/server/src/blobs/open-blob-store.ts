import type { Database } from "../db/database.ts";
import { resolveFromRoot } from "../environment.ts";
import type { BlobLocation } from "./blob-location.ts";
import type { BlobStore } from "./blob-store.ts";
import { createDirectoryBlobStore } from "./directory-store.ts";
import { createPostgresBlobStore } from "./postgres-store.ts";

/** The store at a location. `database` is used by the one in Postgres alone. */
export async function openBlobStore(location: BlobLocation, database: Database): Promise<BlobStore> {
  if (location.kind === "postgres") return createPostgresBlobStore(database);
  return await createDirectoryBlobStore(resolveFromRoot(location.path));
}
