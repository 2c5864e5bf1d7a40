import { LIVE_KINDS, liveQuerySchema } from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { operation } from "../http/operation.ts";
import { ProblemError } from "../http/problem.ts";
import { invalidParameter } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import type { Live } from "../live/create-live.ts";
import { readPosition } from "../live/positions.ts";

const CONTENT_TYPE = "text/event-stream";
/** An invalid key, from an address that may have sent too many. */
const KEY_INVALID = new Set([401, 429]);

const read = operation({
  scopes: ["read"],
  tag: "Live",
  summary: "Follow changes as server-sent events",
  description:
    "Events: `event`, `session`, `job`, `device`, each with `{ id, kind, ids, at }` and the rows if they are few; a session as in GET /api/sessions, null after its deletion; a `job` without ids is of any number of jobs. " +
    "`Last-Event-ID` resumes after that event, on any server, without a gap. `reset`: changes since then are no longer known, or too many: read your lists again. `end` has the reason: `slow`, `draining`, `key`. " +
    "With `session_id`, jobs are those of the session's transcript; with `workspace_id` or `device_id`, there are none.",
  query: liveQuerySchema,
  responses: { 200: { contentType: CONTENT_TYPE } },
  problems: { 429: "The server has as many live streams as it may." },
  example: { status: 200, query: { kinds: "session,job" } },
});

/** GET /api/live */
export function liveRoutes({ reads, live }: { reads: UpToDate; live: Live }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", read, async function getLive(c) {
    const { kinds = LIVE_KINDS, ...places } = await withWorkspaceId(reads, c.req.valid("query"));
    const after = lastEventId(c);
    // Proxies would otherwise keep events back.
    const headers = { "content-type": CONTENT_TYPE, "x-accel-buffering": "no" };
    if (c.req.method === "HEAD") return c.body(null, 200, headers);
    const { workspace_id, session_id, device_id } = places;
    const key = JSON.stringify([workspace_id, session_id, device_id]);
    const stream = live.open({ filter: { ...places, kinds, key }, after, isAllowed: () => isAllowed(c) });
    c.set("isStreamed", true);
    return c.body(stream, 200, headers);
  });

  return routes;
}

function lastEventId(c: Context<AppEnv>) {
  const sent = c.req.header("last-event-id");
  if (sent === undefined || sent === "") return null;
  const position = readPosition(sent);
  if (position === null)
    throw invalidParameter("Last-Event-ID", "must be the id of an event of GET /api/live");
  return position;
}

/** A database that is unavailable says nothing about the key. */
async function isAllowed(c: Context<AppEnv>): Promise<boolean> {
  try {
    await c.get("access").authenticate(c);
    return true;
  } catch (error) {
    return !(error instanceof ProblemError && KEY_INVALID.has(error.options.status));
  }
}
