import {
  findQuerySchema,
  foundMessagesSchema,
  outlinePromptSchema,
  outlineQuerySchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import { sessionExists } from "../db/reads/sessions.ts";
import type { MessagePlace } from "../db/reads/transcripts/message-order.ts";
import { listPrompts } from "../db/reads/transcripts/outline.ts";
import { operation, pageResponse } from "../http/operation.ts";
import { createCursor, messagePlaceSchema, pageOf } from "../http/pagination.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import { findInSession, withFragments } from "../search/find-in-session.ts";
import { checked } from "./search.ts";

const path = { id: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41" };

const outline = operation({
  scopes: ["read"],
  tag: "Transcripts",
  summary: "List what was asked in a session, oldest first",
  description:
    "Prompts and commands of the session itself. `ended_at` and `cost_usd` are of what follows each one up to the next.",
  query: outlineQuerySchema,
  responses: { 200: pageResponse("prompts", outlinePromptSchema) },
  example: { status: 200, path, query: { limit: "20" } },
});

const find = operation({
  scopes: ["read"],
  tag: "Transcripts",
  summary: "Find messages of a session, oldest first",
  description:
    "Messages of the session and its subagents with all words of `q`, which is written as in GET /api/search. `fragment` is plain text; `marks` are offsets in UTF-16 units.",
  query: findQuerySchema,
  responses: { 200: foundMessagesSchema },
  example: { status: 200, path, query: { q: "greeting", limit: "10" } },
});

/** /api/sessions/:id: what was asked, and where something was said. */
export function sessionOverviewRoutes({ reads }: { reads: UpToDate }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/:id/outline", outline, async function getOutline(c) {
    const session_id = readPathId(c, "id", "session");
    const { limit, cursor: sent } = c.req.valid("query");
    const cursor = createCursor("outline", { session_id }, messagePlaceSchema);
    const position = cursor.read(sent);
    const [exists, rows] = await reads.run(
      (sql) => Promise.all([sessionExists(sql, session_id), listPrompts(sql, session_id, position, limit)]),
      { session_id },
    );
    if (!exists) throw notFound("session");
    const { items, page } = pageOf(rows, limit, cursor, (row) => placeOf(row));
    return c.json({
      prompts: items.map(({ sorted_at: _, ordinal: __, id: ___, ...prompt }) => prompt),
      ...page,
    });
  });

  routes.get("/:id/transcript/find", find, async function getFound(c) {
    const session_id = readPathId(c, "id", "session");
    const { q, limit, cursor: sent } = c.req.valid("query");
    const cursor = createCursor("found", { session_id, q }, messagePlaceSchema);
    const position = cursor.read(sent);
    const answer = await checked(() =>
      reads.run(async (sql) => {
        const [exists, rows] = await Promise.all([
          sessionExists(sql, session_id),
          findInSession(sql, session_id, q, position, limit),
        ]);
        if (!exists) throw notFound("session");
        const { items, page } = pageOf(rows, limit, cursor, (row) => placeOf(row));
        return { found: await withFragments(sql, q, items), total: rows[0]?.total ?? 0, ...page };
      }),
    );
    return c.json(answer);
  });

  return routes;
}

function placeOf({ sorted_at, ordinal, id }: MessagePlace): MessagePlace {
  return { sorted_at, ordinal, id };
}
