import { reparseFilterSchema, sessionPatchSchema, sessionSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { beginSessionDeletion } from "../db/edits/session-deletion.ts";
import { patchSession } from "../db/edits/session-edits.ts";
import { findSession, sessionExists } from "../db/reads/sessions.ts";
import { requestReading } from "../db/transcripts/read-again.ts";
import { storable } from "../http/json.ts";
import { itemResponse, operation } from "../http/operation.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { noQuerySchema, readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import type { ParseQueue } from "../jobs/reparse-sessions.ts";
import type { DeleteSession } from "../jobs/session-deletion.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import { redactPatch } from "../redaction/redact-patch.ts";

export type SessionEditDependencies = {
  reads: UpToDate;
  edits: UpToDate;
  deleteSession: DeleteSession;
  parses: ParseQueue;
  redaction: Redaction;
};

const tag = "Sessions";
const path = { id: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41" };

const change = operation({
  scopes: ["admin"],
  tag,
  summary: "Change the tags or summary of a session",
  description: "Either `tags` replaces all tags, or `add_tags` and `remove_tags` change them atomically.",
  body: storable(sessionPatchSchema),
  responses: { 200: itemResponse("session", sessionSchema) },
  example: { status: 200, path, body: { add_tags: ["release"], summary: "Greets the visitor." } },
});

const remove = operation({
  scopes: ["admin"],
  tag,
  summary: "Delete a session with its events",
  description:
    "Later events and reports do not restore it. 204 when all rows are deleted; 202 with the job that deletes the rest of a large session, which can no longer be read.",
  query: noQuerySchema,
  responses: { 202: z.object({ job_id: z.string() }), 204: null },
  example: { status: 204, path },
});

const reparse = operation({
  scopes: ["admin"],
  tag,
  summary: "Parse the transcript of a session again",
  description: "What was parsed before can be read until the new rows have replaced it.",
  responses: {
    202: z.object({ job_id: z.string(), session_id: z.string(), parse_status: z.literal("pending") }),
  },
  problems: { 409: "The session has no transcript." },
  example: { status: 202, path },
});

const reparseAll = operation({
  scopes: ["admin"],
  tag,
  summary: "Parse the transcripts of several sessions again",
  description: "A job finds the sessions that match all given fields, and enqueues a job for each.",
  body: storable(reparseFilterSchema),
  responses: { 202: z.object({ job_id: z.string() }) },
  example: { status: 202, body: { agent: "claude-code", parser_version_below: 2 } },
});

/** /api/sessions/:id: changed, deleted and parsed again. */
export function sessionEditRoutes(dependencies: SessionEditDependencies): Hono<AppEnv> {
  const { reads, edits, deleteSession, parses, redaction } = dependencies;
  const routes = new Hono<AppEnv>();

  routes.patch("/:id", change, async function patchOne(c) {
    const id = readPathId(c, "id", "session");
    const body = await redactPatch(redaction, c.req.valid("json"));
    const scope = { session_id: id };
    const patched = await edits.run((sql) => patchSession(sql, id, body), scope);
    const session = await reads.run((sql) => findSession(sql, id), scope);
    if (session === null) throw notFound("session");
    if (!patched) throw tooManyTags();
    return c.json({ session });
  });

  routes.delete("/:id", remove, async function deleteOne(c) {
    const id = readPathId(c, "id", "session");
    if (!(await edits.run((sql) => beginSessionDeletion(sql, id), { session_id: id })))
      throw notFound("session");
    const job_id = await deleteSession(id);
    return job_id === null ? c.body(null, 204) : c.json({ job_id }, 202);
  });

  routes.post("/:id/reparse", reparse, async function postReparse(c) {
    const id = readPathId(c, "id", "session");
    if (await edits.run((sql) => requestReading(sql, id), { session_id: id })) {
      const job = await parses.enqueue(id);
      return c.json({ job_id: job.id, session_id: id, parse_status: "pending" }, 202);
    }
    if (!(await reads.run((sql) => sessionExists(sql, id), { session_id: id }))) throw notFound("session");
    throw new ProblemError({
      status: 409,
      code: "TRANSCRIPT_MISSING",
      detail: "This session has no transcript. Upload one first.",
    });
  });

  routes.post("/reparse", reparseAll, async function postReparseAll(c) {
    const job = await parses.readAgain(await withWorkspaceId(reads, c.req.valid("json")));
    return c.json({ job_id: job.id }, 202);
  });

  return routes;
}

function tooManyTags(): ProblemError {
  const detail = "would exceed the maximum number of tags of the session";
  return new ProblemError({
    status: 400,
    code: "VALIDATION_FAILED",
    detail: `/add_tags: ${detail}`,
    errors: [{ pointer: "/add_tags", detail }],
  });
}
