import {
  backfillSessionSchema,
  METADATA_CHARACTERS_MAX,
  METADATA_KEYS_MAX,
  sessionReportSchema,
  sessionSchema,
  TAGS_MAX,
} from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { ReportResult } from "../db/edits/session-reports.ts";
import type { ExceededBound } from "../db/projections/session-bounds.ts";
import { findSession, findSessionDevice } from "../db/reads/sessions.ts";
import { callerOf, requireDevice } from "../http/caller.ts";
import { itemResponse, operation } from "../http/operation.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import { type ReportDependencies, takeBackfill, takeSessionReport } from "../ingest/report-session.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { sessionAsSent } from "./session-as-sent.ts";

export type SessionReportDependencies = ReportDependencies & { reads: UpToDate };

const tag = "Ingest";
const sessionResponse = itemResponse("session", sessionSchema);
const backfillResponse = z.object({ status: z.enum(["created", "exists"]), session_id: z.string() });
const problems = { 410: "The session was deleted. Deleted sessions are not restored." };

const report = operation({
  scopes: ["ingest"],
  tag,
  summary: "Report a session",
  description:
    "Idempotent by id: later reports fill missing fields. A session belongs to the device whose start or report was received first; the reports of other devices change nothing. For an ingest key, the values in the response that it did not send are null. 201 for a new session, 200 for a known one. The limits of tags and metadata apply to the session: a report that exceeds them is rejected with 400 and stores nothing.",
  body: sessionReportSchema,
  responses: { 200: sessionResponse, 201: sessionResponse },
  problems,
  example: {
    status: 201,
    body: {
      id: "8c1d7a52-4f7b-4d0e-9a57-2f3c9d1b6e10",
      workspace_canonical_id: "github.com/acme/site",
      device_id: "laptop",
      started_at: "2025-03-14T09:00:00Z",
      git_branch: "main",
      model: "example-model",
      tags: ["docs"],
    },
  },
});

const backfill = operation({
  scopes: ["ingest"],
  tag,
  summary: "Report a session found in the transcripts of a device",
  body: backfillSessionSchema,
  responses: { 200: backfillResponse, 201: backfillResponse },
  problems,
  example: {
    status: 201,
    body: {
      session_id: "f2a4c6e8-1357-4bdf-8024-68ace0f13579",
      workspace_canonical_id: "github.com/acme/site",
      device_id: "laptop",
      started_at: "2025-03-13T16:00:00Z",
      ended_at: "2025-03-13T16:45:00Z",
    },
  },
});

/** POST /api/sessions and POST /api/backfill/sessions: devices report sessions, idempotent by id. */
export function sessionReportRoutes(dependencies: SessionReportDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/sessions", report, async function postSession(c) {
    const sent = c.req.valid("json");
    await requireOwnSession(c, sent.id, sent.device_id);
    const result = await takeSessionReport(sent, dependencies);
    refuseUnmerged(result);
    const session_id = withoutControlCharacters(sent.id);
    const session = await dependencies.reads.run((sql) => findSession(sql, session_id), { session_id });
    if (session === null) throw notFound("session");
    // Another device's event may have begun the session after the check above.
    requireDevice(c, session.device_id);
    const isReader = callerOf(c).scope !== "ingest";
    return c.json({ session: isReader ? session : sessionAsSent(session, sent) }, result.created ? 201 : 200);
  });

  routes.post("/backfill/sessions", backfill, async function postBackfill(c) {
    const sent = c.req.valid("json");
    await requireOwnSession(c, sent.session_id, sent.device_id);
    const result = await takeBackfill(sent, dependencies);
    refuseUnmerged(result);
    const status = result.created ? "created" : "exists";
    return c.json({ status, session_id: sent.session_id }, result.created ? 201 : 200);
  });

  /** A key bound to a device reports neither as another device nor on another device's session. */
  async function requireOwnSession(c: Context<AppEnv>, sessionId: string, deviceId: string): Promise<void> {
    if (callerOf(c).deviceId === null) return;
    requireDevice(c, deviceId);
    const session_id = withoutControlCharacters(sessionId);
    const owner = await dependencies.reads.run((sql) => findSessionDevice(sql, session_id), { session_id });
    if (owner !== null) requireDevice(c, owner);
  }

  return routes;
}

const BOUNDS: Record<ExceededBound, string> = {
  tags: `would exceed ${TAGS_MAX} tags of the session`,
  metadata: `would exceed ${METADATA_KEYS_MAX} keys or ${METADATA_CHARACTERS_MAX} characters of metadata of the session`,
};

function refuseUnmerged({ deleted, exceeds }: ReportResult): void {
  if (exceeds !== null) {
    const problem = { pointer: `/${exceeds}`, detail: BOUNDS[exceeds] };
    throw new ProblemError({
      status: 400,
      code: "VALIDATION_FAILED",
      detail: `${problem.pointer}: ${problem.detail}. The report was not stored.`,
      errors: [problem],
    });
  }
  if (!deleted) return;
  throw new ProblemError({
    status: 410,
    code: "SESSION_DELETED",
    detail: "This session was deleted. Deleted sessions are not restored.",
  });
}
