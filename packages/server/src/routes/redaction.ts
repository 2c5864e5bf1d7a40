import {
  redactionQuerySchema,
  redactionSwitchSchema,
  redactRequestSchema,
  type WorkspaceRedaction,
  workspaceRedactionSchema,
} from "@wharf/protocol";
import { RULES_VERSION } from "@wharf/redaction";
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { listRedactionChanges, switchRedaction } from "../db/edits/redaction-switches.ts";
import { actorOf } from "../http/caller.ts";
import { operation } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import { readWorkspaceId, withWorkspaceId } from "../http/workspace-reference.ts";
import type { EnqueueRedaction } from "../jobs/redact-held.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import { HELD_BEGIN, redactHeld } from "../redaction/redact-held.ts";
import type { CustodyDependencies } from "../transcripts/custody/custody.ts";

export type RedactionDependencies = {
  edits: Database;
  custody: Pick<CustodyDependencies, "blobs" | "onAppended">;
  redaction: Redaction;
  enqueueRedaction: EnqueueRedaction;
};

/** How long a request counts. */
const DRY_RUN_MS = 2_000;

const tag = "Redaction";
const path = { id: "01JP9Z000000000000000000W1" };
const switchPath = { 404: "The workspace does not exist." };

const read = operation({
  scopes: ["admin"],
  tag,
  summary: "Get whether secrets of a workspace are replaced by markers",
  description:
    "`id` is the workspace's id, canonical id, git remote or name. `dry_run=1` also counts the secrets that a new search of the workspace would replace, for about two seconds.",
  query: redactionQuerySchema,
  responses: { 200: workspaceRedactionSchema },
  problems: switchPath,
  example: { status: 200, path, query: { dry_run: "1" } },
});

const change = operation({
  scopes: ["admin"],
  tag,
  summary: "Switch the redaction of a workspace on or off",
  description:
    "Applies to what is received from then on, on other servers after 5 seconds at most. What was received while it was off is searched by POST /api/sessions/redact. With `dry_run=1` nothing is switched.",
  query: redactionQuerySchema,
  body: redactionSwitchSchema,
  responses: { 200: workspaceRedactionSchema },
  problems: switchPath,
  example: { status: 200, path, body: { redaction: "on" } },
});

const redactAgain = operation({
  scopes: ["admin"],
  tag,
  summary: "Search what is held for secrets again",
  description:
    "A job searches the transcripts, events, reports, notes and derived texts of the sessions that match all fields; without fields, of everything that is held. Workspaces whose redaction is off are left out. With `dry_run`, secrets are counted and nothing is replaced: the result of the job has the counts.",
  body: redactRequestSchema,
  responses: { 202: z.object({ job_id: z.string() }) },
  example: { status: 202, body: { device_id: "laptop", dry_run: true } },
});

/** /api/workspaces/:id/redaction: the switch of a workspace. */
export function workspaceRedactionRoutes({ edits, custody, redaction }: RedactionDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/:id{.+}/redaction", read, async function getRedaction(c) {
    const state = await readSwitch(c, edits);
    return c.json(await withDryRun(state, c.req.valid("query").dry_run));
  });

  routes.put("/:id{.+}/redaction", change, async function putRedaction(c) {
    const { dry_run } = c.req.valid("query");
    const { workspace_id } = await readSwitch(c, edits);
    if (dry_run === "0") {
      const isRedacted = c.req.valid("json").redaction === "on";
      await edits.run((sql) => switchRedaction(sql, workspace_id, isRedacted, actorOf(c)));
      redaction.switches.forget();
    }
    return c.json(await withDryRun(await readSwitch(c, edits), dry_run));
  });

  async function withDryRun(
    { workspace_id, ...state }: SwitchOfWorkspace,
    dry_run: "0" | "1",
  ): Promise<WorkspaceRedaction> {
    const answer = { ...state, rules_version: RULES_VERSION };
    if (dry_run === "0") return answer;
    const { position, sessions, replaced } = await redactHeld(
      {
        database: edits,
        blobs: custody.blobs,
        pool: redaction.pool,
        onRewritten: custody.onAppended,
        redact: await redaction.texts.open(),
        isDryRun: true,
        filter: { workspace_id },
        leftOutWorkspaces: [],
        signal: new AbortController().signal,
      },
      HELD_BEGIN,
      DRY_RUN_MS,
    );
    const { rows, secrets } = replaced;
    return { ...answer, dry_run: { sessions, rows, secrets, is_complete: position === null } };
  }

  return routes;
}

type SwitchOfWorkspace = Pick<WorkspaceRedaction, "redaction" | "changes"> & { workspace_id: string };

async function readSwitch(c: Context<AppEnv>, database: Database): Promise<SwitchOfWorkspace> {
  const workspace_id = await readWorkspaceId(c, database);
  const changes = await database.run((sql) => listRedactionChanges(sql, workspace_id));
  return { workspace_id, redaction: changes[0]?.redaction ?? "on", changes };
}

/** POST /api/sessions/redact. */
export function sessionRedactionRoutes({ edits, enqueueRedaction }: RedactionDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/redact", redactAgain, async function postRedact(c) {
    const { dry_run, ...filter } = await withWorkspaceId(edits, c.req.valid("json"));
    const { id } = await enqueueRedaction({ filter, dry_run });
    return c.json({ job_id: id }, 202);
  });

  return routes;
}
