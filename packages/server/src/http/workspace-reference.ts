import type { Context } from "hono";
import type { Sql } from "../db/postgres.ts";
import { listReferencedWorkspaces, type WorkspaceName } from "../db/reads/workspace-references.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import { notFound, ProblemError, referenceUnknown } from "./problem.ts";
import { readPathId } from "./query.ts";

type Reads = Pick<UpToDate, "run">;

/** Workspaces of one name that a response lists. */
export const WORKSPACE_MATCHES_MAX = 20;

/**
 * The filters, or a body, with the id of the workspace that they name by id, canonical id, git remote or name. Throws ProblemError 400
 * REFERENCE_UNKNOWN or WORKSPACE_AMBIGUOUS.
 */
export async function withWorkspaceId<Filters extends { workspace_id?: string | null | undefined }>(
  database: Reads,
  filters: Filters,
): Promise<Filters> {
  if (filters.workspace_id === undefined || filters.workspace_id === null) return filters;
  const id = await findWorkspaceId(database, filters.workspace_id);
  if (id !== null) return { ...filters, workspace_id: id };
  throw referenceUnknown(
    "/workspace_id",
    "names no workspace by its id, canonical id, git remote or name; GET /api/workspaces lists them",
  );
}

/** The id of the workspace that the path names. Throws ProblemError 404, or 400 WORKSPACE_AMBIGUOUS. */
export async function readWorkspaceId(c: Context, database: Reads): Promise<string> {
  const id = await findWorkspaceId(database, readPathId(c, "id", "workspace"));
  if (id === null) throw notFound("workspace");
  return id;
}

async function findWorkspaceId(database: Reads, reference: string): Promise<string | null> {
  const query = (sql: Sql) => listReferencedWorkspaces(sql, reference, WORKSPACE_MATCHES_MAX);
  // Workspaces are written by flushes: no projection has to be awaited.
  const found = await database.run(query, null);
  if (found.length > 1) throw workspaceAmbiguous(found);
  return found[0]?.id ?? null;
}

export function workspaceAmbiguous(found: readonly WorkspaceName[]): ProblemError {
  const matches = found.map(({ id, canonical_id, display_name }) => ({ id, canonical_id, display_name }));
  return new ProblemError({
    status: 400,
    code: "WORKSPACE_AMBIGUOUS",
    detail: "Several workspaces have this name. Use an id or canonical id from `matches`.",
    extensions: { matches },
  });
}
