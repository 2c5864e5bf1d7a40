import { storableText } from "@wharf/job-runner";
import { gitHooksPromptSchema, pendingPromptsQuerySchema, promptAnswerSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { answerGitHooksPrompt, listGitHooksPrompts } from "../db/reads/git-hook-prompts.ts";
import { requireDevice } from "../http/caller.ts";
import { operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, positionIdSchema } from "../http/pagination.ts";
import { notFound } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";

export type PromptDependencies = { reads: UpToDate; edits: UpToDate };

const tag = "Git hooks";

const listPending = operation({
  scopes: ["ingest", "read"],
  tag,
  summary: "List pending prompts to install git hooks on a device",
  query: pendingPromptsQuerySchema,
  responses: { 200: pageResponse("prompts", gitHooksPromptSchema) },
  example: { status: 200, query: { device_id: "laptop" } },
});

const dismiss = operation({
  scopes: ["ingest"],
  tag,
  summary: "Answer a prompt; it is not shown again",
  body: promptAnswerSchema,
  responses: { 200: promptAnswerSchema },
  problems: { 404: "The device has not used this workspace." },
  example: {
    status: 200,
    body: { workspace_id: "01JP9Z000000000000000000W1", device_id: "laptop", action: "declined" },
  },
});

/** /api/prompts: prompts to install git hooks in a repository, and the answers to them. */
export function promptRoutes({ reads, edits }: PromptDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/pending", listPending, async function getPending(c) {
    const { device_id, limit, cursor: sent } = c.req.valid("query");
    requireDevice(c, device_id);
    const cursor = createCursor("prompts", { device_id }, positionIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listGitHooksPrompts(sql, device_id, position, limit + 1), {
      device_id,
    });
    const { items, page } = pageOf(rows, limit, cursor, (row) => row.workspace_id);
    return c.json({ prompts: items, ...page });
  });

  routes.post("/dismiss", dismiss, async function postDismiss(c) {
    const { action, ...sent } = c.req.valid("json");
    requireDevice(c, sent.device_id);
    const workspace_id = storableText(sent.workspace_id);
    const device_id = storableText(sent.device_id);
    const known = await edits.run((sql) => answerGitHooksPrompt(sql, { workspace_id, device_id, action }), {
      device_id,
    });
    if (!known) throw notFound("workspace on this device");
    return c.json({ workspace_id, device_id, action });
  });

  return routes;
}
