import { matchedCommitSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { findCommits } from "../db/reads/commits.ts";
import { operation } from "../http/operation.ts";
import { invalidParameter } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";

const SHA = /^[0-9a-f]{7,64}$/;

const read = operation({
  scopes: ["read"],
  tag: "Git",
  summary: "Get a commit by its hash, with the sessions that it is matched to",
  description:
    "`sha` is a hash or its first 7 digits or more. The last 20 commits that it begins are listed, one for each device that sent it. " +
    "`grade` is `exact`, `evidence` or `possible`; `why` describes the match. The best match comes first.",
  responses: { 200: z.object({ commits: z.array(matchedCommitSchema) }) },
  problems: { 400: "`sha` is not 7 to 64 hexadecimal digits." },
  example: { status: 200, path: { sha: "aaaaaaaa" } },
});

/** GET /api/commits/:sha: which session made a commit. */
export function commitRoutes({ reads }: { reads: UpToDate }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/:sha", read, async function getCommit(c) {
    const sha = c.req.param("sha").toLowerCase();
    if (!SHA.test(sha)) throw invalidParameter("sha", "must be 7 to 64 hexadecimal digits");
    const commits = await reads.run((sql) => findCommits(sql, sha));
    return c.json({ commits });
  });

  return routes;
}
