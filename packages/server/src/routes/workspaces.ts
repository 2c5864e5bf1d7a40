import {
  deviceSchema,
  gitSummarySchema,
  listQuerySchema,
  sessionSchema,
  sessionTotalsSchema,
  type Workspace,
  type WorkspaceStats,
  workspaceDeviceSchema,
  workspaceSchema,
  workspaceStatsSchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import type { DeleteInPieces } from "../db/delete-in-pieces.ts";
import { deleteWorkspace, isWorkspaceUsed } from "../db/edits/workspace-deletion.ts";
import type { Sql } from "../db/postgres.ts";
import { withoutFlags } from "../db/reads/page-bytes.ts";
import { listSessions } from "../db/reads/sessions.ts";
import {
  findWorkspaces,
  listDevicesOfWorkspace,
  listWorkspaces,
  type SessionsSummary,
  summarizeGit,
  summarizeSessions,
} from "../db/reads/workspace-lists.ts";
import { operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, positionIdSchema, positionTimeSchema } from "../http/pagination.ts";
import { notFound, ProblemError, RETRY_AFTER_S } from "../http/problem.ts";
import { noQuerySchema } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { readWorkspaceId, WORKSPACE_MATCHES_MAX, workspaceAmbiguous } from "../http/workspace-reference.ts";

const RECENT_SESSIONS = 10;

const positionSchema = z.tuple([positionTimeSchema.nullable(), positionIdSchema]);
/** Of a workspace's row what is also among its `stats`. */
const totalsSchema = z.object({ ...sessionTotalsSchema.shape, device_count: z.number() });

const tag = "Workspaces";
const { id, name, type, status, last_seen_at } = deviceSchema.shape;

const list = operation({
  scopes: ["read"],
  tag,
  summary: "List workspaces with the totals of their sessions, most recently active first",
  query: listQuerySchema,
  responses: { 200: pageResponse("workspaces", workspaceSchema) },
  example: { status: 200, query: { limit: "10" } },
});

const read = operation({
  scopes: ["read"],
  tag,
  summary: "Get a workspace by id, canonical id, git remote or name (case-insensitive)",
  responses: {
    200: z.object({
      workspace: workspaceSchema,
      recent_sessions: z.array(sessionSchema),
      devices: z.array(workspaceDeviceSchema.extend({ id, name, type, status, last_seen_at })),
      git_summary: gitSummarySchema,
      stats: workspaceStatsSchema,
    }),
  },
  problems: { 400: "Several workspaces have this name; `matches` lists them." },
  example: { status: 200, path: { idOrName: "github.com/acme/site" } },
});

/** How long a request waits for its deletion. */
const DELETION_MS = 5_000;

const remove = operation({
  scopes: ["admin"],
  tag,
  summary: "Delete a workspace without sessions",
  description:
    "`id` is the workspace's id, canonical id, git remote or name. Its git activity, its settings and the rest of its events are deleted, too. It appears again with its next event.",
  query: noQuerySchema,
  responses: { 204: null },
  problems: {
    404: "The workspace does not exist.",
    409: "Sessions belong to it, or their deletion is not finished.",
    503: "A part is deleted. Another request continues.",
  },
  example: { status: 204, path: { id: "github.com/acme/shop" } },
});

export type WorkspaceDependencies = { reads: Database; edits: Database; deleteInPieces: DeleteInPieces };

/** Workspaces with the totals of their sessions. */
export function workspaceRoutes({ reads, edits, deleteInPieces }: WorkspaceDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getWorkspaces(c) {
    const { limit, cursor: sent } = c.req.valid("query");
    const cursor = createCursor("workspaces", {}, positionSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listWorkspaces(sql, position, limit + 1));
    const { items, page } = pageOf(
      rows,
      limit,
      cursor,
      (row): z.infer<typeof positionSchema> => [row.last_session_at, row.id],
    );
    return c.json({ workspaces: items, ...page });
  });

  // A canonical id holds slashes, which some clients send as they are.
  routes.get("/:idOrName{.+}", read, async function getWorkspace(c) {
    const reference = c.req.param("idOrName");
    const detail = await reads.run((sql) => readDetail(sql, reference));
    return c.json(detail);
  });

  routes.delete("/:id{.+}", remove, async function deleteOne(c) {
    const workspace_id = await readWorkspaceId(c, edits);
    if (await edits.run((sql) => isWorkspaceUsed(sql, workspace_id))) throw workspaceUsed();
    const signal = AbortSignal.timeout(DELETION_MS);
    const outcome = await deleteWorkspace(deleteInPieces, workspace_id, { signal });
    if (outcome === "used") throw workspaceUsed();
    if (outcome === "unfinished") throw deletionUnfinished();
    return c.body(null, 204);
  });

  return routes;
}

function workspaceUsed(): ProblemError {
  return new ProblemError({
    status: 409,
    code: "WORKSPACE_USED",
    detail: "Sessions, environments or blueprints belong to the workspace. Delete them first.",
  });
}

function deletionUnfinished(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "DELETION_UNFINISHED",
    detail: "The workspace has many events, and a part is deleted. Repeat the request.",
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}

async function readDetail(sql: Sql, reference: string) {
  const workspace = await findOne(sql, reference);
  const [recent_sessions, devices, git_summary, summary] = await Promise.all([
    listSessions(sql, { workspace_id: workspace.id }, null, RECENT_SESSIONS),
    listDevicesOfWorkspace(sql, workspace.id),
    summarizeGit(sql, workspace.id),
    summarizeSessions(sql, workspace.id),
  ]);
  const stats = statsOf(workspace, summary);
  return { workspace, recent_sessions: withoutFlags(recent_sessions), devices, git_summary, stats };
}

function statsOf(workspace: Workspace, summary: SessionsSummary): WorkspaceStats {
  const { session_count, active_session_count } = workspace;
  const old = { total_sessions: session_count, active_sessions: active_session_count, ...summary };
  return { ...totalsSchema.parse(workspace), ...old };
}

async function findOne(sql: Sql, reference: string): Promise<Workspace> {
  if (reference.includes("\0")) throw notFound("workspace");
  const found = await findWorkspaces(sql, reference, WORKSPACE_MATCHES_MAX);
  const [workspace] = found;
  if (workspace === undefined) throw notFound("workspace");
  if (found.length === 1) return workspace;
  throw workspaceAmbiguous(found);
}
