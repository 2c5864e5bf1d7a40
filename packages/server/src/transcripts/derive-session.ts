import type { Database } from "../db/database.ts";
import { deriveColumns, findDueDerivation, finishDerivation } from "../db/transcripts/derive-columns.ts";
import { matchSessions } from "../ingest/match-git.ts";
import { deriveFacts } from "./derive-facts.ts";

/** Derives the columns of a session from the rows of its transcripts, and matches git activity to it. Repeating it changes nothing. */
export async function deriveSession(database: Database, session_id: string): Promise<void> {
  const due_at = await database.run((sql) => findDueDerivation(sql, session_id));
  await database.run((sql) => deriveColumns(sql, session_id));
  await deriveFacts(database, session_id);
  await matchSessions(database, [session_id]);
  if (due_at !== null) await database.run((sql) => finishDerivation(sql, session_id, due_at));
}
