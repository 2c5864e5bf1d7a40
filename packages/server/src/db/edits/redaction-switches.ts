import type { Sql } from "../postgres.ts";
import type { Actor } from "./api-keys.ts";

const CHANGES_MAX = 20;

/** Ids and canonical ids of the workspaces in which secrets are kept. */
export async function findUnredactedWorkspaces(sql: Sql): Promise<string[]> {
  const rows = await sql<{ id: string; canonical_id: string }[]>`
    SELECT w.id, w.canonical_id
    FROM (
      SELECT DISTINCT ON (workspace_id) workspace_id, is_redacted FROM redaction_switches ORDER BY workspace_id, id DESC
    ) latest JOIN workspaces w ON w.id = latest.workspace_id
    WHERE NOT latest.is_redacted`;
  return rows.flatMap(({ id, canonical_id }) => [id, canonical_id]);
}

export type RedactionChange = {
  redaction: "on" | "off";
  actor: string;
  request_id: string | null;
  created_at: string;
};

/** The latest changes of a workspace, newest first. */
export async function listRedactionChanges(sql: Sql, workspaceId: string): Promise<RedactionChange[]> {
  const changes = await sql<RedactionChange[]>`
    SELECT CASE WHEN is_redacted THEN 'on' ELSE 'off' END AS redaction, actor, request_id, created_at
    FROM redaction_switches WHERE workspace_id = ${workspaceId} ORDER BY redaction_switches.id DESC LIMIT ${CHANGES_MAX}`;
  return [...changes];
}

export async function switchRedaction(
  sql: Sql,
  workspaceId: string,
  isRedacted: boolean,
  by: Actor,
): Promise<void> {
  await sql`
    INSERT INTO redaction_switches (workspace_id, is_redacted, actor, request_id)
    VALUES (${workspaceId}, ${isRedacted}, ${by.actor}, ${by.request_id})`;
}
