import {
  type Retention,
  retentionQuerySchema,
  retentionSchema,
  workspaceRetentionSchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { countPrunable } from "../db/retention/prune.ts";
import { listRetentionChanges, putRetention, readRetention } from "../db/retention/settings.ts";
import { actorOf } from "../http/caller.ts";
import { operation } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import { readWorkspaceId } from "../http/workspace-reference.ts";
import type { EventRetention } from "../ingest/event-retention.ts";

export type RetentionRouteDependencies = { edits: Database; eventRetention: EventRetention };

const tag = "Workspaces";
const path = { id: "01JP9Z000000000000000000W1" };

const read = operation({
  scopes: ["admin"],
  tag,
  summary: "Get how long a workspace keeps transcripts, parsed texts and events",
  description:
    "`id` is the workspace's id, canonical id, git remote or name. null: forever. `dry_run=1` also counts what is due to be deleted.",
  query: retentionQuerySchema,
  responses: { 200: workspaceRetentionSchema },
  example: { status: 200, path, query: { dry_run: "1" } },
});

const put = operation({
  scopes: ["admin"],
  tag,
  summary: "Change how long a workspace keeps transcripts, parsed texts and events",
  description:
    "Replaces all three values; each is required, and null keeps forever. A job deletes each hour what is older. Sessions, their responses and their costs stay. Each change is recorded with its key. `dry_run=1` changes nothing, and counts what would be deleted.",
  query: retentionQuerySchema,
  body: retentionSchema,
  responses: { 200: workspaceRetentionSchema },
  example: { status: 200, path, body: { raw_days: 90, parsed_days: null, events_days: 365 } },
});

/** /api/workspaces/:id/retention. */
export function retentionRoutes({ edits, eventRetention }: RetentionRouteDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  const answer = async (workspace_id: string, retention: Retention, dry_run: "0" | "1") => {
    const changes = await edits.run((sql) => listRetentionChanges(sql, workspace_id));
    if (dry_run === "0") return { retention, changes };
    const deletes = await edits.run((sql) => countPrunable(sql, workspace_id, retention));
    return { retention, changes, deletes };
  };

  routes.get("/:id{.+}/retention", read, async function getRetention(c) {
    const workspace_id = await readWorkspaceId(c, edits);
    const retention = await edits.run((sql) => readRetention(sql, workspace_id));
    return c.json(await answer(workspace_id, retention, c.req.valid("query").dry_run));
  });

  routes.put("/:id{.+}/retention", put, async function putOne(c) {
    const workspace_id = await readWorkspaceId(c, edits);
    const retention = c.req.valid("json");
    const { dry_run } = c.req.valid("query");
    if (dry_run === "0") {
      await edits.run((sql) => putRetention(sql, workspace_id, retention, actorOf(c)));
      eventRetention.forget();
    }
    return c.json(await answer(workspace_id, retention, dry_run));
  });

  return routes;
}
