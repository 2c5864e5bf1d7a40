import type { BlobStore } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { beginBlobRemoval, forgetRemovedBlobs } from "../db/transcripts/unreferenced-blobs.ts";
import type { RecurringJob } from "./recurring.ts";

const BLOBS_AT_ONCE = 100;

/** Removes blobs of transcripts whose last reference is gone; answers how many. A run that was interrupted is continued by the next. */
export function removeUnreferencedBlobs(database: Database, blobs: BlobStore): RecurringJob["run"] {
  return async (signal) => {
    let removed = 0;
    while (!signal.aborted) {
      const { due, hashes } = await database.run((sql) => beginBlobRemoval(sql, BLOBS_AT_ONCE));
      for (const hash of hashes) if (await blobs.delete(hash)) removed += 1;
      if (hashes.length > 0) await database.run((sql) => forgetRemovedBlobs(sql, hashes));
      if (due < BLOBS_AT_ONCE) break;
    }
    return removed;
  };
}
