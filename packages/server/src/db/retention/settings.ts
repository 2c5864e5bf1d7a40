import type { Retention, RetentionChange } from "@wharf/protocol";
import type { Actor } from "../edits/api-keys.ts";
import type { Sql } from "../postgres.ts";

export type WorkspaceRetention = Retention & { workspace_id: string };

const CHANGES_MAX = 20;
const FOREVER: Retention = { raw_days: null, parsed_days: null, events_days: null };

export async function readRetention(sql: Sql, workspace_id: string): Promise<Retention> {
  const [row] = await sql<Retention[]>`
    SELECT raw_days, parsed_days, events_days FROM workspace_retention WHERE workspace_id = ${workspace_id}`;
  return row ?? FOREVER;
}

export async function putRetention(
  sql: Sql,
  workspace_id: string,
  retention: Retention,
  { actor, request_id }: Actor,
): Promise<void> {
  const { raw_days, parsed_days, events_days } = retention;
  await sql`
    WITH change AS (
      INSERT INTO retention_changes (workspace_id, raw_days, parsed_days, events_days, actor, request_id)
      VALUES (${workspace_id}, ${raw_days}, ${parsed_days}, ${events_days}, ${actor}, ${request_id})
    )
    INSERT INTO workspace_retention (workspace_id, raw_days, parsed_days, events_days)
    VALUES (${workspace_id}, ${raw_days}, ${parsed_days}, ${events_days})
    ON CONFLICT (workspace_id) DO UPDATE SET raw_days = excluded.raw_days, parsed_days = excluded.parsed_days,
      events_days = excluded.events_days, updated_at = now()`;
}

/** The latest changes of a workspace, newest first. */
export async function listRetentionChanges(sql: Sql, workspace_id: string): Promise<RetentionChange[]> {
  return await sql<RetentionChange[]>`
    SELECT raw_days, parsed_days, events_days, actor, request_id, created_at
    FROM retention_changes WHERE workspace_id = ${workspace_id} ORDER BY retention_changes.id DESC LIMIT ${CHANGES_MAX}`;
}

/** Those of all workspaces that keep something for a time only. */
export async function listRetentions(sql: Sql): Promise<WorkspaceRetention[]> {
  return await sql<WorkspaceRetention[]>`
    SELECT workspace_id, raw_days, parsed_days, events_days FROM workspace_retention
    WHERE num_nonnulls(raw_days, parsed_days, events_days) > 0 ORDER BY workspace_id`;
}

/** Days for which events are kept, by the id and by the canonical id of their workspace. */
export async function readEventDays(sql: Sql): Promise<[workspace: string, days: number][]> {
  const rows = await sql<{ id: string; canonical_id: string; events_days: number }[]>`
    SELECT w.id, w.canonical_id, r.events_days FROM workspace_retention r JOIN workspaces w ON w.id = r.workspace_id
    WHERE r.events_days IS NOT NULL`;
  return rows.flatMap(({ id, canonical_id, events_days }): [string, number][] => [
    [id, events_days],
    [canonical_id, events_days],
  ]);
}
