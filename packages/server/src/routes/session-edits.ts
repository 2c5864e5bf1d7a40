import { sessionPatchSchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { beginSessionDeletion } from "../db/edits/session-deletion.ts";
import { patchSession, requestReparse } from "../db/edits/session-edits.ts";
import { findSession, sessionExists } from "../db/reads/sessions.ts";
import type { AppEnv } from "../http/context.ts";
import { readStorableJson } from "../http/edit.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import { requireScope } from "../http/scopes.ts";
import type { DeleteSession } from "../jobs/session-deletion.ts";
import type { Limits } from "../limits.ts";

export type SessionEditDependencies = {
  reads: Database;
  edits: Database;
  deleteSession: DeleteSession;
  limits: Limits;
};

/** What people change about a session: its tags and summary, its parsing, its being there. */
export function sessionEditRoutes({ reads, edits, deleteSession, limits }: SessionEditDependencies) {
  const routes = new Hono<AppEnv>();

  routes.patch("/:id", requireScope("admin"), async function patch(c) {
    const id = readPathId(c, "id", "session");
    const body = await readStorableJson(c, sessionPatchSchema, limits);
    const patched = await edits.run((sql) => patchSession(sql, id, body));
    const session = await reads.run((sql) => findSession(sql, id));
    if (session === null) throw notFound("session");
    if (!patched) throw tooManyTags();
    return c.json({ session });
  });

  routes.delete("/:id", requireScope("admin"), async function remove(c) {
    const id = readPathId(c, "id", "session");
    if (!(await edits.run((sql) => beginSessionDeletion(sql, id)))) throw notFound("session");
    const job_id = await deleteSession(id);
    return job_id === null ? c.body(null, 204) : c.json({ job_id }, 202);
  });

  routes.post("/:id/reparse", requireScope("admin"), async function postReparse(c) {
    const id = readPathId(c, "id", "session");
    if (await edits.run((sql) => requestReparse(sql, id))) {
      return c.json({ session_id: id, parse_status: "pending" }, 202);
    }
    if (!(await reads.run((sql) => sessionExists(sql, id)))) throw notFound("session");
    throw new ProblemError({
      status: 409,
      code: "TRANSCRIPT_MISSING",
      detail: "This session has no transcript: upload it first.",
    });
  });

  return routes;
}

function tooManyTags(): ProblemError {
  const detail = "would give the session too many tags";
  return new ProblemError({
    status: 400,
    code: "VALIDATION_FAILED",
    detail: `/add_tags: ${detail}`,
    errors: [{ pointer: "/add_tags", detail }],
  });
}
