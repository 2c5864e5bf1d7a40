import { REPORT_TEXT_CHARACTERS_MAX } from "@wharf/protocol";
import type { Sql } from "../../postgres.ts";

/** What the files of a session's own device show of it, for the fold of sessions (db/projections/fold-session.ts). */
export type TranscriptStatement = {
  first_at: string;
  branch: string | null;
  model: string | null;
  initial_prompt: string | null;
  cwd: string | null;
  version: string | null;
};

/**
 * Keeps the statement, and marks the session as outdated in the same transaction: a process may end before it is derived. False: the
 * session shows it already, or belongs to another device by now.
 */
export async function writeStatement(
  sql: Sql,
  session_id: string,
  device_id: string,
  { first_at, branch, model, initial_prompt, cwd, version }: TranscriptStatement,
): Promise<boolean> {
  const rows = await sql<{ is_outdated: boolean }[]>`
    WITH kept AS (
      INSERT INTO session_reports AS r (
        session_id, kind, at, workspace_id, device_id, git_branch, model, initial_prompt, metadata
      )
      SELECT id, 'transcript', ${first_at}::text::timestamptz, workspace_id, device_id, ${branch}::text,
        left(${model}::text, ${REPORT_TEXT_CHARACTERS_MAX}), ${initial_prompt}::text,
        jsonb_strip_nulls(jsonb_build_object('cwd', ${cwd}::text, 'cc_version', ${version}::text))
      FROM sessions WHERE id = ${session_id} AND device_id = ${device_id} AND deleted_at IS NULL
      ON CONFLICT (session_id, device_id) WHERE kind = 'transcript' DO UPDATE SET
        at = excluded.at, workspace_id = excluded.workspace_id, git_branch = excluded.git_branch, model = excluded.model,
        initial_prompt = excluded.initial_prompt, metadata = excluded.metadata
      WHERE (r.at, r.workspace_id, r.git_branch, r.model, r.initial_prompt, r.metadata)
        IS DISTINCT FROM (excluded.at, excluded.workspace_id, excluded.git_branch, excluded.model, excluded.initial_prompt, excluded.metadata)
      RETURNING session_id
    ),
    marked AS (UPDATE sessions SET is_outdated = true WHERE id = (SELECT session_id FROM kept))
    SELECT is_outdated OR EXISTS (SELECT FROM kept) AS is_outdated FROM sessions WHERE id = ${session_id}`;
  return rows[0]?.is_outdated ?? false;
}
