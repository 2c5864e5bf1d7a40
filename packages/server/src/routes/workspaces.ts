import { listQuerySchema, sessionTotalsSchema, type Workspace, type WorkspaceStats } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
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
import type { AppEnv } from "../http/context.ts";
import { createCursor, positionIdSchema, positionTimeSchema } from "../http/cursor.ts";
import { pageOf } from "../http/list.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { readQuery } from "../http/query.ts";
import { requireScope } from "../http/scopes.ts";

const RECENT_SESSIONS = 10;
const MATCHES_MAX = 20;

const positionSchema = z.tuple([positionTimeSchema.nullable(), positionIdSchema]);
/** Of a workspace's row what is also among its `stats`. */
const totalsSchema = z.object({ ...sessionTotalsSchema.shape, device_count: z.number() });

/** Workspaces with the totals of their sessions. */
export function workspaceRoutes({ reads }: { reads: Database }) {
  const routes = new Hono<AppEnv>();

  routes.get("/", requireScope("read"), async function getWorkspaces(c) {
    const { limit, cursor: sent } = readQuery(c, listQuerySchema);
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
  routes.get("/:idOrName{.+}", requireScope("read"), async function getWorkspace(c) {
    const reference = c.req.param("idOrName");
    const detail = await reads.run((sql) => readDetail(sql, reference));
    return c.json(detail);
  });

  return routes;
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
  const found = await findWorkspaces(sql, reference, MATCHES_MAX);
  const [workspace] = found;
  if (workspace === undefined) throw notFound("workspace");
  if (found.length === 1) return workspace;
  const matches = found.map(({ id, canonical_id, display_name }) => ({ id, canonical_id, display_name }));
  throw new ProblemError({
    status: 400,
    code: "WORKSPACE_AMBIGUOUS",
    detail: "Several workspaces have this name: use an id or a canonical id from `matches`.",
    extensions: { matches },
  });
}
