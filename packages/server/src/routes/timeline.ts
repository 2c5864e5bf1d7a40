import {
  GIT_ACTIVITY_TYPES,
  type TimelineQuery,
  timelineItemSchema,
  timelineQuerySchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import type { Sql } from "../db/postgres.ts";
import { listSessions } from "../db/reads/sessions.ts";
import { findGitOfSessions, listUnmatchedGit } from "../db/reads/timeline.ts";
import { operation, pageResponse } from "../http/operation.ts";
import { createCursor, positionIdSchema, positionTimeSchema, type TimeAndId } from "../http/pagination.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import {
  attachGit,
  GIT_ROWS_PER_ITEM_MAX,
  GIT_ROWS_PER_PAGE_MAX,
  mergeTimeline,
  type TimelinePage,
  type TimelinePosition,
} from "./timeline-page.ts";

const positionSchema = z.object({
  kind: z.enum(["session", "git"]),
  time: positionTimeSchema,
  id: positionIdSchema,
});

const list = operation({
  scopes: ["read"],
  tag: "Timeline",
  summary: "List sessions, and git activity outside sessions, newest first",
  description:
    "`types` selects what is listed: session, git_activity, or single types of git activity. A `limit` above 100 is taken as 100. " +
    "A session comes with the git activity of which it is the best exact or evidence match. Other git activity lists `possible_sessions`: " +
    "those of its workspace and device at that time.",
  query: timelineQuerySchema,
  responses: { 200: pageResponse("items", timelineItemSchema) },
  example: { status: 200, query: { device_id: "laptop", types: "session,git_activity", limit: "10" } },
});

/** GET /api/timeline: sessions, and the git activity outside any session, newest first. */
export function timelineRoutes({ reads }: { reads: UpToDate }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getTimeline(c) {
    const query = await withWorkspaceId(reads, c.req.valid("query"));
    const { limit, cursor: sent, ...filters } = query;
    const cursor = createCursor("timeline", filters, positionSchema);
    const position = cursor.read(sent);
    const { items, last, hasMore } = await reads.run((sql) => readPage(sql, query, position), {
      workspace_id: query.workspace_id,
      device_id: query.device_id,
    });
    const next_cursor = hasMore && last !== null ? cursor.write(last) : null;
    return c.json({ items, next_cursor, has_more: next_cursor !== null });
  });

  return routes;
}

async function readPage(
  sql: Sql,
  query: TimelineQuery,
  position: TimelinePosition | null,
): Promise<TimelinePage> {
  const { withSessions, withGit, gitTypes } = selection(query.types);
  const { limit, workspace_id, device_id, after, before } = query;
  const filters = { workspace_id, device_id, after, before };
  const sessions = withSessions ? await listSessions(sql, filters, sessionPosition(position), limit + 1) : [];
  const onPage = sessions.slice(0, limit).map(({ id }) => id);
  const newerThan = sessions[limit]?.started_at;
  const [git, gitOfSessions] = await Promise.all([
    withGit
      ? listUnmatchedGit(sql, { ...filters, newerThan }, gitTypes, gitPosition(position), {
          rows: GIT_ROWS_PER_PAGE_MAX + 1,
          items: limit,
          rowsPerItem: GIT_ROWS_PER_ITEM_MAX,
        })
      : [],
    findGitOfSessions(sql, onPage, gitTypes),
  ]);
  const page = mergeTimeline(sessions, git, limit);
  attachGit(page.items, gitOfSessions);
  return page;
}

type Selection = { withSessions: boolean; withGit: boolean; gitTypes: string[] | null };

/** Without `types`, everything. A single type of git activity excludes the others, also within sessions. */
function selection(types: TimelineQuery["types"]): Selection {
  if (types === undefined) return { withSessions: true, withGit: true, gitTypes: null };
  const gitTypes = GIT_ACTIVITY_TYPES.filter((type) => types.includes(type));
  const all = types.includes("git_activity") || gitTypes.length === 0;
  return {
    withSessions: types.includes("session"),
    withGit: types.includes("git_activity") || gitTypes.length > 0,
    gitTypes: all ? null : gitTypes,
  };
}

/** Below git activity of one instant there are only sessions that started earlier: no id is smaller than "". */
function sessionPosition(position: TimelinePosition | null): TimeAndId | null {
  if (position === null) return null;
  return [position.time, position.kind === "session" ? position.id : ""];
}

function gitPosition(position: TimelinePosition | null) {
  if (position === null) return null;
  return { time: position.time, id: position.kind === "git" ? position.id : null };
}
