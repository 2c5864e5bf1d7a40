import type { RedactionFilter } from "@wharf/protocol";
import { type HeldTable, listHeldTables } from "../db/redaction/held-tables.ts";
import { findSessionsToRedact } from "../db/redaction/sessions-to-redact.ts";
import { nothingReplaced, type Replaced, redactRows } from "./redact-rows.ts";
import { redactTranscripts, type TranscriptRewrite } from "./redact-transcripts.ts";

/** Where to continue: behind a session, or in a table behind a key, among the rows without a session. Null: at the end. */
export type HeldPosition = { session: string } | { table: string; after: string[] | null } | null;
export const HELD_BEGIN: HeldPosition = { session: "" };

export type RedactHeld = TranscriptRewrite & {
  filter: RedactionFilter;
  /** Ids of workspaces whose secrets are kept. */
  leftOutWorkspaces: readonly string[];
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

export type HeldProgress = { position: HeldPosition; sessions: number; replaced: Replaced };

const SESSIONS_PER_ROUND_MAX = 20;

/**
 * Replaces the secrets in what is held from a position on, for about `durationMs`: first of the sessions that match the filter, then, if
 * the filter is empty, of rows without a session. Work that is repeated replaces nothing more. Throws the reason of an aborted signal.
 */
export async function redactHeld(
  options: RedactHeld,
  from: HeldPosition,
  durationMs: number,
): Promise<HeldProgress> {
  const { database, now = () => performance.now() } = options;
  const endsAtMs = now() + durationMs;
  const progress: HeldProgress = { position: from, sessions: 0, replaced: nothingReplaced() };
  const tables = await database.run(listHeldTables);
  do await redactRound(options, tables, progress, () => now() >= endsAtMs);
  while (progress.position !== null && now() < endsAtMs);
  return progress;
}

async function redactRound(
  options: RedactHeld,
  tables: readonly HeldTable[],
  progress: HeldProgress,
  isOver: () => boolean,
): Promise<void> {
  const { position } = progress;
  if (position === null) return;
  if ("session" in position) await redactSessions(options, tables, position.session, progress);
  else await redactRest(options, tables, position, progress, isOver);
}

async function redactSessions(
  options: RedactHeld,
  tables: readonly HeldTable[],
  after: string,
  progress: HeldProgress,
): Promise<void> {
  const { database, filter, leftOutWorkspaces } = options;
  // One, then twice as many: the time is looked at between rounds, and large sessions take long.
  const limit = Math.min(progress.sessions + 1, SESSIONS_PER_ROUND_MAX);
  const session_ids = await database.run((sql) =>
    findSessionsToRedact(sql, filter, leftOutWorkspaces, after, limit),
  );
  // They come before what was derived from them.
  for (const id of session_ids) await redactTranscripts(options, id, progress.replaced);
  for (const table of tables)
    if (table.has_session && session_ids.length > 0)
      await redactRows(options, table, { session_ids }, progress.replaced);
  progress.sessions += session_ids.length;
  const last = session_ids.at(-1);
  if (last !== undefined) progress.position = { session: last };
  else progress.position = isEmpty(filter) ? restFrom(tables, undefined) : null;
}

async function redactRest(
  options: RedactHeld,
  tables: readonly HeldTable[],
  position: { table: string; after: string[] | null },
  progress: HeldProgress,
  isOver: () => boolean,
): Promise<void> {
  const table = tables.find((candidate) => candidate.table === position.table);
  const scope = { left_out_workspaces: options.leftOutWorkspaces };
  const from = { after: position.after, isOver };
  const after = table === undefined ? null : await redactRows(options, table, scope, progress.replaced, from);
  progress.position = after === null ? restFrom(tables, position.table) : { table: position.table, after };
}

/** The beginning of the next table that may hold rows without a session. */
function restFrom(tables: readonly HeldTable[], done: string | undefined): HeldPosition {
  const rest = tables.filter(({ has_rest }) => has_rest).map(({ table }) => table);
  const next = rest[done === undefined ? 0 : rest.indexOf(done) + 1];
  return next === undefined ? null : { table: next, after: null };
}

function isEmpty(filter: RedactionFilter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}
