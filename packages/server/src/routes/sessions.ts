import {
  batchStatusSchema,
  eventListQuerySchema,
  type GitActivity,
  type Lifecycle,
  type StoredEvent,
  sessionListQuerySchema,
} from "@wharf/protocol";
import { type Context, Hono } from "hono";
import type { Database } from "../db/database.ts";
import type { Sql } from "../db/postgres.ts";
import { listSessionEvents, listSessionGit } from "../db/reads/session-events.ts";
import { findSessionRelations } from "../db/reads/session-relations.ts";
import { findSession, findSessionStatuses, listSessions, sessionExists } from "../db/reads/sessions.ts";
import type { AppEnv } from "../http/context.ts";
import { createCursor, type TimeAndId, timeAndIdSchema } from "../http/cursor.ts";
import { readJson } from "../http/json.ts";
import { pageOf } from "../http/list.ts";
import { notFound } from "../http/problem.ts";
import { invalidParameter, readPathId, readQuery } from "../http/query.ts";
import { requireScope } from "../http/scopes.ts";
import type { Limits } from "../limits.ts";

export type SessionDependencies = { reads: Database; limits: Limits };

/** Sessions, and what belongs to one: its relations, events and git activity. */
export function sessionRoutes({ reads, limits }: SessionDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/", requireScope("read"), async function getSessions(c) {
    if (c.req.query("q"))
      throw invalidParameter("q", "cannot be used: search is not available on this server");
    const { limit, cursor: sent, ...filters } = readQuery(c, sessionListQuerySchema);
    const cursor = createCursor("sessions", filters, timeAndIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listSessions(sql, filters, position, limit + 1));
    const { items, page } = pageOf(rows, limit, cursor, (row): TimeAndId => [row.started_at, row.id]);
    return c.json({ sessions: items, ...page });
  });

  routes.post("/batch-status", requireScope("read"), async function postBatchStatus(c) {
    const body = await readJson(c, batchStatusSchema, limits);
    const ids = [...new Set(body.session_ids)];
    // An id that no row can have must not make the others fail.
    const possible = ids.filter((id) => !id.includes("\0"));
    const rows = await reads.run((sql) => findSessionStatuses(sql, possible));
    const statuses = new Map(
      rows.map(({ id, ...status }) => [id, { ...status, complete: isComplete(status.lifecycle) }]),
    );
    return c.json({
      statuses: Object.fromEntries(statuses),
      not_found: ids.filter((id) => !statuses.has(id)),
    });
  });

  routes.get("/:id", requireScope("read"), async function getSession(c) {
    const id = readPathId(c, "id", "session");
    const [session, relations] = await reads.run((sql) =>
      Promise.all([findSession(sql, id), findSessionRelations(sql, id)]),
    );
    if (session === null) throw notFound("session");
    return c.json({ session: { ...session, ...relations } });
  });

  routes.get("/:id/events", requireScope("read"), async function getEvents(c) {
    const { items, page } = await sessionRows<StoredEvent>(c, reads, "events", listSessionEvents);
    return c.json({ events: items, ...page });
  });

  routes.get("/:id/git", requireScope("read"), async function getGit(c) {
    const { items, page } = await sessionRows<GitActivity>(c, reads, "git", listSessionGit);
    return c.json({ git_activity: items, ...page });
  });

  return routes;
}

/** The session will not change: clients that wait for its summary may stop. */
function isComplete(lifecycle: Lifecycle): boolean {
  return lifecycle === "summarized" || lifecycle === "archived";
}

type ListRows<Row> = (
  sql: Sql,
  sessionId: string,
  position: TimeAndId | null,
  limit: number,
) => Promise<Row[]>;

async function sessionRows<Row extends { timestamp: string; id: string }>(
  c: Context<AppEnv>,
  reads: Database,
  list: string,
  listRows: ListRows<Row>,
) {
  const session_id = readPathId(c, "id", "session");
  const { limit, cursor: sent } = readQuery(c, eventListQuerySchema);
  const cursor = createCursor(list, { session_id }, timeAndIdSchema);
  const position = cursor.read(sent);
  const [rows, exists] = await reads.run((sql) =>
    Promise.all([listRows(sql, session_id, position, limit + 1), sessionExists(sql, session_id)]),
  );
  if (!exists) throw notFound("session");
  return pageOf(rows, limit, cursor, (row): TimeAndId => [row.timestamp, row.id]);
}
