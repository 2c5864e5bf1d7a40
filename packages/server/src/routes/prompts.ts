import { pendingPromptsQuerySchema, promptAnswerSchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { answerGitHooksPrompt, listGitHooksPrompts } from "../db/reads/git-hook-prompts.ts";
import type { AppEnv } from "../http/context.ts";
import { createCursor, positionIdSchema } from "../http/cursor.ts";
import { readJson } from "../http/json.ts";
import { pageOf } from "../http/list.ts";
import { notFound } from "../http/problem.ts";
import { readQuery } from "../http/query.ts";
import { requireDevice, requireScope } from "../http/scopes.ts";
import { storableText } from "../json/clean-value.ts";
import type { Limits } from "../limits.ts";

export type PromptDependencies = { reads: Database; edits: Database; limits: Limits };

/** Offers to install the git hooks in a repository, and the answers to them. */
export function promptRoutes({ reads, edits, limits }: PromptDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/pending", requireScope("ingest", "read"), async function getPending(c) {
    const { device_id, limit, cursor: sent } = readQuery(c, pendingPromptsQuerySchema);
    requireDevice(c, device_id);
    const cursor = createCursor("prompts", { device_id }, positionIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listGitHooksPrompts(sql, device_id, position, limit + 1));
    const { items, page } = pageOf(rows, limit, cursor, (row) => row.workspace_id);
    return c.json({ prompts: items, ...page });
  });

  routes.post("/dismiss", requireScope("ingest"), async function postDismiss(c) {
    const { action, ...sent } = await readJson(c, promptAnswerSchema, limits);
    requireDevice(c, sent.device_id);
    const workspace_id = storableText(sent.workspace_id);
    const device_id = storableText(sent.device_id);
    const known = await edits.run((sql) => answerGitHooksPrompt(sql, { workspace_id, device_id, action }));
    if (!known) throw notFound("workspace on this device");
    return c.json({ workspace_id, device_id, action });
  });

  return routes;
}
