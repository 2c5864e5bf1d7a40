import {
  batchStatusSchema,
  eventListQuerySchema,
  gitActivitySchema,
  lifecycleSchema,
  sessionDetailSchema,
  sessionListQuerySchema,
  sessionPatchSchema,
  sessionSchema,
  storedEventSchema,
} from "@wharf/protocol";
import { z } from "zod";
import { type Operations, oneOf, pageOf } from "../operation.ts";

const path = { id: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41" };

const statusSchema = z.looseObject({
  lifecycle: lifecycleSchema,
  complete: z.boolean(),
  parse_status: sessionSchema.shape.parse_status,
  updated_at: sessionSchema.shape.updated_at,
});

/** Sessions, and what belongs to one. */
export const sessionOperations: Operations = {
  "GET /api/sessions": {
    tag: "Sessions",
    summary: "List sessions, newest first",
    description:
      "`after` and `before` bound when a session started, exclusively. `lifecycle` takes several words; detected includes capturing.",
    query: sessionListQuerySchema,
    answers: { 200: pageOf("sessions", sessionSchema) },
    example: { status: 200, query: { device_id: "laptop", after: "2025-03-14T00:00:00Z", limit: "10" } },
  },
  "GET /api/sessions/:id": {
    tag: "Sessions",
    summary: "One session with its subagents, skills, worktrees and teammates",
    answers: { 200: oneOf("session", sessionDetailSchema) },
    example: { status: 200, path },
  },
  "PATCH /api/sessions/:id": {
    tag: "Sessions",
    summary: "Change a session's tags or summary",
    description:
      "Either `tags`, which replaces them, or `add_tags` and `remove_tags`, which are applied atomically.",
    body: { schema: sessionPatchSchema },
    answers: { 200: oneOf("session", sessionSchema) },
    example: { status: 200, path, body: { add_tags: ["release"], summary: "Greets the visitor." } },
  },
  "DELETE /api/sessions/:id": {
    tag: "Sessions",
    summary: "Delete a session with its events",
    description:
      "Later events and reports do not restore it. 204 when all rows are deleted; 202 with the job that deletes the rest of a large session, which can no longer be read.",
    answers: { 202: z.object({ job_id: z.string() }), 204: null },
    example: { status: 204, path },
  },
  "POST /api/sessions/:id/reparse": {
    tag: "Sessions",
    summary: "Parse a session's transcript again",
    answers: { 202: z.object({ session_id: z.string(), parse_status: z.literal("pending") }) },
    refusals: { 409: "The session has no transcript." },
    example: { status: 202, path: { id: "b7e23ec2-9af2-4c61-8f0b-5d1c7e9a3f64" } },
  },
  "POST /api/sessions/batch-status": {
    tag: "Sessions",
    summary: "The state of many sessions",
    description: "`complete`: the session is summarized or archived, so that it will not change.",
    body: { schema: batchStatusSchema },
    answers: {
      200: z.object({ statuses: z.record(z.string(), statusSchema), not_found: z.array(z.string()) }),
    },
    example: { status: 200, body: { session_ids: [path.id, "no-such-session"] } },
  },
  "GET /api/sessions/:id/events": {
    tag: "Sessions",
    summary: "The events of a session, oldest first",
    query: eventListQuerySchema,
    answers: { 200: pageOf("events", storedEventSchema) },
    example: { status: 200, path, query: { limit: "10" } },
  },
  "GET /api/sessions/:id/git": {
    tag: "Sessions",
    summary: "The git activity of a session, oldest first",
    query: eventListQuerySchema,
    answers: { 200: pageOf("git_activity", gitActivitySchema) },
    example: { status: 200, path, query: { limit: "10" } },
  },
};
