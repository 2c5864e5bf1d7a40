import type { Database } from "../db/database.ts";
import type { DeleteInPieces, Piece } from "../db/delete-in-pieces.ts";
import { archiveSessions, eventsPiece, rawPiece, textPieces } from "../db/retention/prune.ts";
import { listRetentions, type WorkspaceRetention } from "../db/retention/settings.ts";
import { eachInTurn } from "./each-in-turn.ts";

const SESSIONS_AT_ONCE = 100;

export type RetentionDependencies = { database: Database; deleteInPieces: DeleteInPieces };

/** Deletes what workspaces keep no longer, in pieces; an interrupted run is continued by the next one. */
export async function applyRetention(
  { database, deleteInPieces }: RetentionDependencies,
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  const onDeleted = (rows: number) => {
    deleted += rows;
  };
  const run = (piece: Piece) => deleteInPieces(piece, { signal, onDeleted });

  async function prune({
    workspace_id,
    raw_days,
    parsed_days,
    events_days,
  }: WorkspaceRetention): Promise<void> {
    if (raw_days !== null) await run(rawPiece(workspace_id, raw_days));
    if (parsed_days !== null) await pruneTexts(workspace_id, parsed_days);
    if (events_days !== null) await run(eventsPiece(workspace_id, events_days));
  }

  async function pruneTexts(workspace_id: string, days: number): Promise<void> {
    while (!signal.aborted) {
      const ids = await database.run((sql) => archiveSessions(sql, workspace_id, days, SESSIONS_AT_ONCE));
      await eachInTurn(ids.flatMap(textPieces).map((piece) => () => run(piece)));
      if (ids.length < SESSIONS_AT_ONCE) return;
    }
  }

  const retentions = await database.run(listRetentions);
  await eachInTurn(retentions.map((retention) => () => prune(retention)));
  return deleted;
}
