import { commitListQuerySchema, matchedCommitSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { findCommits, listCommits } from "../db/reads/commits.ts";
import { operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, type TimeAndId, timeAndIdSchema } from "../http/pagination.ts";
import { invalidParameter } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";

const SHA = /^[0-9a-f]{7,64}$/;

const read = operation({
  scopes: ["read"],
  tag: "Git",
  summary: "Get a commit by its hash, with the sessions that it is matched to",
  description:
    "`sha` is a hash or its first 7 digits or more. The last 20 commits that it begins are listed, one for each device that sent it. " +
    "A commit that a call of a session made and printed is listed with its printed hash even if no git hook reported it (`is_only_printed`). " +
    "`grade` is `exact`, `evidence` or `possible`; `why` describes the match. The best match comes first.",
  responses: { 200: z.object({ commits: z.array(matchedCommitSchema) }) },
  problems: { 400: "`sha` is not 7 to 64 hexadecimal digits." },
  example: { status: 200, path: { sha: "aaaaaaaa" } },
});

const list = operation({
  scopes: ["read"],
  tag: "Git",
  summary:
    "List the commits and merges of a workspace, newest first, with the sessions that they are matched to",
  description:
    "`workspace_id` is the workspace's id, canonical id, git remote or name. A commit is listed for each device that sent it. `grade` and `why` are those of GET /api/commits/:sha.",
  query: commitListQuerySchema,
  responses: { 200: pageResponse("commits", matchedCommitSchema) },
  example: { status: 200, query: { workspace_id: "github.com/acme/site", limit: "10" } },
});

/** /api/commits: which session made a commit. */
export function commitRoutes({ reads }: { reads: UpToDate }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getCommits(c) {
    const { workspace_id, limit, cursor: sent } = await withWorkspaceId(reads, c.req.valid("query"));
    const cursor = createCursor("commits", { workspace_id }, timeAndIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listCommits(sql, workspace_id, position, limit + 1), {
      workspace_id,
    });
    const { items, page } = pageOf(
      rows,
      limit,
      cursor,
      ({ git_activity: { timestamp, id } }): TimeAndId => [timestamp, id],
    );
    return c.json({ commits: items, ...page });
  });

  routes.get("/:sha", read, async function getCommit(c) {
    const sha = c.req.param("sha").toLowerCase();
    if (!SHA.test(sha)) throw invalidParameter("sha", "must be 7 to 64 hexadecimal digits");
    const commits = await reads.run((sql) => findCommits(sql, sha));
    return c.json({ commits });
  });

  return routes;
}
