import type { Database } from "../../db/database.ts";
import { transaction } from "../../db/transaction.ts";
import { lockFolding } from "../../db/transcripts/fold-responses.ts";
import { requestReading } from "../../db/transcripts/read-again.ts";
import {
  deleteStaleMessages,
  deleteStaleSightings,
  findReadAgain,
  noteNoStaleRows,
  type ReadFile,
  STALE_PIECES,
} from "../../db/transcripts/stale-rows.ts";
import { noteDerivations } from "../../db/transcripts/step-progress.ts";
import { foldAndPrice } from "./fold-and-price.ts";

/** Rows in one statement; a message takes its blocks along. */
const ROWS_PER_PIECE = 500;

/**
 * Deletes what former readings of a session's files wrote, in pieces, once the new ones are complete. Returns the sessions whose totals
 * change, and whether the files have to be read once more: a message that is gone stood in another file, too.
 */
export async function removeStaleRows(
  database: Database,
  session_id: string,
): Promise<{ session_ids: string[]; is_needed: boolean }> {
  const files = await database.run((sql) => findReadAgain(sql, session_id));
  const session_ids = new Set<string>();
  let isNeeded = false;
  for (const file of files)
    for (const piece of STALE_PIECES)
      await untilDone(() => database.run((sql) => piece(sql, file, ROWS_PER_PIECE)));
  for (const file of files) {
    await untilDone(async () => {
      const { rows, is_needed } = await database.run((sql) => deleteStaleMessages(sql, file, ROWS_PER_PIECE));
      isNeeded ||= is_needed;
      return rows;
    });
    await untilDone(async () => {
      const { rows, changed } = await removeSightings(database, file);
      for (const id of changed) session_ids.add(id);
      return rows;
    });
    await database.run((sql) => noteNoStaleRows(sql, file));
  }
  const is_needed = isNeeded && (await database.run((sql) => requestReading(sql, session_id)));
  return { session_ids: [...session_ids], is_needed };
}

async function untilDone(removePiece: () => Promise<number>): Promise<void> {
  for (let rows = ROWS_PER_PIECE; rows === ROWS_PER_PIECE; ) rows = await removePiece();
}

async function removeSightings(
  database: Database,
  file: ReadFile,
): Promise<{ rows: number; changed: string[] }> {
  return await database.run((sql) =>
    transaction(sql, async ({ query }) => {
      await lockFolding(query);
      const keys = await deleteStaleSightings(query, file, ROWS_PER_PIECE);
      const changed = await foldAndPrice(query, keys);
      await noteDerivations(query, changed);
      return { rows: keys.length, changed };
    }),
  );
}
