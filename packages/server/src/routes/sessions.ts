import {
  batchStatusSchema,
  eventListQuerySchema,
  type Lifecycle,
  lifecycleSchema,
  sessionDetailSchema,
  sessionGitActivitySchema,
  sessionGitQuerySchema,
  sessionListQuerySchema,
  sessionSchema,
  storedEventSchema,
} from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Sql } from "../db/postgres.ts";
import { findSessionDetail } from "../db/reads/session-detail.ts";
import { listSessionEvents, listSessionGit } from "../db/reads/session-events.ts";
import {
  findDeletedSessions,
  findSessionStatuses,
  listSessions,
  sessionExists,
} from "../db/reads/sessions.ts";
import { itemResponse, operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, type TimeAndId, timeAndIdSchema } from "../http/pagination.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import type { Search } from "../search/create-search.ts";
import { readSelection } from "./session-selections.ts";

const tag = "Sessions";
const path = { id: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41" };

const list = operation({
  scopes: ["read"],
  tag,
  summary: "List sessions, newest first",
  description:
    "`after` and `before` are exclusive bounds of the start time. `lifecycle` takes several values; `detected` includes `capturing`. " +
    "`q`: sessions that match a search, as in GET /api/search, with all of its words if there are any, else the 50 best with some; or the session with this id.",
  query: sessionListQuerySchema,
  responses: { 200: pageResponse("sessions", sessionSchema) },
  example: { status: 200, query: { device_id: "laptop", after: "2025-03-14T00:00:00Z", limit: "10" } },
});

const statusSchema = z.looseObject({
  lifecycle: lifecycleSchema,
  complete: z.boolean(),
  parse_status: sessionSchema.shape.parse_status,
  updated_at: sessionSchema.shape.updated_at,
});

const readStatuses = operation({
  scopes: ["read"],
  tag,
  summary: "Get the state of several sessions",
  description:
    "`complete`: the session is summarized or archived and no longer changes. `deleted`: those of `not_found` that were deleted.",
  body: batchStatusSchema,
  responses: {
    200: z.object({
      statuses: z.record(z.string(), statusSchema),
      not_found: z.array(z.string()),
      deleted: z.array(z.string()),
    }),
  },
  example: { status: 200, body: { session_ids: [path.id, "no-such-session", "deleted-session"] } },
});

const read = operation({
  scopes: ["read"],
  tag,
  summary: "Get a session with its subagents, skills, worktrees and teammates",
  responses: { 200: itemResponse("session", sessionDetailSchema) },
  example: { status: 200, path },
});

const listEvents = operation({
  scopes: ["read"],
  tag,
  summary: "List the events of a session, oldest first",
  query: eventListQuerySchema,
  responses: { 200: pageResponse("events", storedEventSchema) },
  example: { status: 200, path, query: { limit: "10" } },
});

const listGit = operation({
  scopes: ["read"],
  tag,
  summary: "List the git activity that a session is matched to, oldest first",
  description:
    "`session_match` is the grade: `exact`, the event named the session, or a call of the session made the commit and printed its hash; " +
    "`evidence`, the session wrote a file that the commit changes, before it; `possible`, time and place alone. `match` selects grades. `is_only_printed`: a call made and printed the commit, and no git hook of " +
    "the repository reported it, so only its printed hash, branch and message are known.",
  query: sessionGitQuerySchema,
  responses: { 200: pageResponse("git_activity", sessionGitActivitySchema) },
  example: {
    status: 200,
    path: { id: "b7e23ec2-9af2-4c61-8f0b-5d1c7e9a3f64" },
    query: { match: "exact,evidence", limit: "10" },
  },
});

/** /api/sessions: read with their relations, events and git activity. */
export function sessionRoutes({ reads, search }: { reads: UpToDate; search: Search }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getSessions(c) {
    const { limit, cursor: sent, q, ...fields } = await withWorkspaceId(reads, c.req.valid("query"));
    const cursor = createCursor("sessions", { ...fields, q }, timeAndIdSchema);
    const position = cursor.read(sent);
    const filters = await readSelection({ reads, search }, { ...fields, q });
    const rows = await reads.run((sql) => listSessions(sql, filters, position, limit + 1), filters);
    const { items, page } = pageOf(rows, limit, cursor, (row): TimeAndId => [row.started_at, row.id]);
    return c.json({ sessions: items, ...page });
  });

  routes.post("/batch-status", readStatuses, async function postBatchStatus(c) {
    const body = c.req.valid("json");
    const ids = [...new Set(body.session_ids)];
    // Postgres refuses NUL: such an id would fail the whole query.
    const possible = ids.filter((id) => !id.includes("\0"));
    const rows = await reads.run((sql) => findSessionStatuses(sql, possible));
    const statuses = new Map(
      rows.map(({ id, ...status }) => [id, { ...status, complete: isComplete(status.lifecycle) }]),
    );
    const missing = possible.filter((id) => !statuses.has(id));
    const deleted = missing.length === 0 ? [] : await reads.run((sql) => findDeletedSessions(sql, missing));
    return c.json({
      statuses: Object.fromEntries(statuses),
      not_found: ids.filter((id) => !statuses.has(id)),
      deleted,
    });
  });

  routes.get("/:id", read, async function getSession(c) {
    const id = readPathId(c, "id", "session");
    const session = await reads.run((sql) => findSessionDetail(sql, id), { session_id: id });
    if (session === null) throw notFound("session");
    return c.json({ session });
  });

  routes.get("/:id/events", listEvents, async function getEvents(c) {
    const { items, page } = await pageOfSession(c, c.req.valid("query"), {
      reads,
      list: "events",
      listRows: listSessionEvents,
    });
    return c.json({ events: items, ...page });
  });

  routes.get("/:id/git", listGit, async function getGit(c) {
    const { match, ...query } = c.req.valid("query");
    const { items, page } = await pageOfSession(c, query, {
      reads,
      list: "git",
      filters: { match },
      listRows: (sql, id, position, limit) => listSessionGit(sql, id, match ?? null, position, limit),
    });
    return c.json({ git_activity: items, ...page });
  });

  return routes;
}

/** Whether the session no longer changes, so that clients stop polling for its summary. */
function isComplete(lifecycle: Lifecycle): boolean {
  return lifecycle === "summarized" || lifecycle === "archived";
}

type ListRows<Row> = (
  sql: Sql,
  sessionId: string,
  position: TimeAndId | null,
  limit: number,
) => Promise<Row[]>;

type SessionList<Row> = {
  reads: UpToDate;
  /** The name that its cursors carry. */
  list: string;
  filters?: Readonly<Record<string, unknown>>;
  listRows: ListRows<Row>;
};

/** One page of the rows of the session in the path. */
async function pageOfSession<Row extends { timestamp: string; id: string }>(
  c: Context<AppEnv>,
  { limit, cursor: sent }: z.infer<typeof eventListQuerySchema>,
  { reads, list, filters = {}, listRows }: SessionList<Row>,
) {
  const session_id = readPathId(c, "id", "session");
  const cursor = createCursor(list, { session_id, ...filters }, timeAndIdSchema);
  const position = cursor.read(sent);
  const [rows, exists] = await reads.run((sql) =>
    Promise.all([listRows(sql, session_id, position, limit + 1), sessionExists(sql, session_id)]),
  );
  if (!exists) throw notFound("session");
  return pageOf(rows, limit, cursor, (row): TimeAndId => [row.timestamp, row.id]);
}
