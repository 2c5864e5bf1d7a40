import type { Piece } from "../db/delete-in-pieces.ts";
import { transaction } from "../db/transaction.ts";
import { lockFolding } from "../db/transcripts/fold-responses.ts";
import { waitForStep } from "../db/transcripts/known-rows.ts";
import { noteDerivations } from "../db/transcripts/step-progress.ts";
import { deleteSightingsOfSession, hasSightings } from "../db/transcripts/write-sightings.ts";
import { foldAndPrice } from "./parse/fold-and-price.ts";

/**
 * Deletes what the files of a session show of responses. A response that other sessions' files hold, too, is given to one of them; the
 * others are deleted.
 */
export function releaseResponses(session_id: string): Piece {
  return async (sql, rowsMax) => {
    // A step that began before the deletion would add to them.
    await waitForStep(sql, session_id);
    // Without a connection for a transaction, where there is nothing to do.
    if (!(await hasSightings(sql, session_id))) return 0;
    return await transaction(sql, async ({ query }) => {
      await lockFolding(query);
      const keys = await deleteSightingsOfSession(query, session_id, rowsMax);
      const changed = await foldAndPrice(query, keys);
      await noteDerivations(
        query,
        changed.filter((id) => id !== session_id),
      );
      return keys.length;
    });
  };
}
