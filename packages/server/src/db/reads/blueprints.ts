import { one } from "@wharf/job-runner";
import type { Blueprint, BlueprintPatch, NewBlueprint } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { type Listed, withinPageBytes } from "./page-bytes.ts";

/** The last row of the page before: its created_at with microseconds, and its id. */
type Position = readonly [createdAt: string, id: string] | null;

/** Blueprints after `position`, the newest first. Of one workspace: its own, and the templates, which belong to none. */
export async function listBlueprints(
  sql: Sql,
  workspaceId: string | undefined,
  position: Position,
  limit: number,
): Promise<Listed<Blueprint>[]> {
  const found = sql`
    SELECT * FROM blueprints
    WHERE true
      ${workspaceId === undefined ? sql`` : sql`AND (workspace_id = ${workspaceId} OR workspace_id IS NULL)`}
      ${position === null ? sql`` : sql`AND (created_at, id) < (${position[0]}, ${position[1]})`}
    ORDER BY created_at DESC, id DESC LIMIT ${limit}`;
  const large = { text: ["name", "detected_from"], json: ["config"] };
  return await sql<Listed<Blueprint>[]>`
    SELECT id, workspace_id, name, source, detected_from, config, created_at, updated_at, page_is_full
    FROM (${withinPageBytes(sql, found, sql`created_at DESC, id DESC`, large)}) page
    ORDER BY created_at DESC, id DESC`;
}

export async function findBlueprint(sql: Sql, id: string): Promise<Blueprint | null> {
  const [row] = await sql<Blueprint[]>`SELECT * FROM blueprints WHERE id = ${id}`;
  return row ?? null;
}

/** Throws SQLSTATE 23503 where the workspace does not exist. */
export async function createBlueprint(sql: Sql, id: string, blueprint: NewBlueprint): Promise<Blueprint> {
  const rows = await sql<Blueprint[]>`
    INSERT INTO blueprints (id, workspace_id, name, source, detected_from, config)
    SELECT ${id}, workspace_id, name, source, detected_from, config
    FROM jsonb_populate_record(NULL::blueprints, (${JSON.stringify(blueprint)}::text)::jsonb)
    RETURNING *`;
  const row = one(rows);
  return row;
}

/** Changes what the patch names. Null: there is no such blueprint. */
export async function patchBlueprint(sql: Sql, id: string, patch: BlueprintPatch): Promise<Blueprint | null> {
  const [row] = await sql<Blueprint[]>`
    UPDATE blueprints b SET
      name = p.name, detected_from = p.detected_from, config = p.config, updated_at = now()
    FROM blueprints old, jsonb_populate_record(old, (${JSON.stringify(patch)}::text)::jsonb) p
    WHERE b.id = ${id} AND old.id = b.id
    RETURNING b.*`;
  return row ?? null;
}
