import {
  backfillSessionSchema,
  METADATA_CHARACTERS_MAX,
  METADATA_KEYS_MAX,
  sessionReportSchema,
  TAGS_MAX,
} from "@wharf/protocol";
import { type Context, Hono } from "hono";
import type { Database } from "../db/database.ts";
import type { ReportResult } from "../db/edits/session-reports.ts";
import type { ExceededBound } from "../db/projections/session-bounds.ts";
import { findSession, findSessionDevice } from "../db/reads/sessions.ts";
import { type AppEnv, callerOf } from "../http/context.ts";
import { readJson } from "../http/json.ts";
import { ProblemError } from "../http/problem.ts";
import { requireDevice, requireScope } from "../http/scopes.ts";
import { type ReportDependencies, takeBackfill, takeSessionReport } from "../ingest/report-session.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import type { Limits } from "../limits.ts";

export type SessionReportDependencies = ReportDependencies & { reads: Database; limits: Limits };

/** POST /api/sessions and POST /api/backfill/sessions: devices report sessions, idempotent by id. */
export function sessionReportRoutes(dependencies: SessionReportDependencies) {
  const routes = new Hono<AppEnv>();

  routes.post("/sessions", requireScope("ingest"), async function postSession(c) {
    const report = await readJson(c, sessionReportSchema, dependencies.limits);
    await requireOwnSession(c, report.id, report.device_id);
    const result = await takeSessionReport(report, dependencies);
    refuseUnmerged(result);
    const session = await dependencies.reads.run((sql) =>
      findSession(sql, withoutControlCharacters(report.id)),
    );
    return c.json({ session }, result.created ? 201 : 200);
  });

  routes.post("/backfill/sessions", requireScope("ingest"), async function postBackfill(c) {
    const backfill = await readJson(c, backfillSessionSchema, dependencies.limits);
    await requireOwnSession(c, backfill.session_id, backfill.device_id);
    const result = await takeBackfill(backfill, dependencies);
    refuseUnmerged(result);
    const status = result.created ? "created" : "exists";
    return c.json({ status, session_id: backfill.session_id }, result.created ? 201 : 200);
  });

  /** A key bound to a device reports neither as another device nor on another device's session. */
  async function requireOwnSession(c: Context<AppEnv>, sessionId: string, deviceId: string): Promise<void> {
    if (callerOf(c).deviceId === null) return;
    requireDevice(c, deviceId);
    const owner = await dependencies.reads.run((sql) =>
      findSessionDevice(sql, withoutControlCharacters(sessionId)),
    );
    if (owner !== null) requireDevice(c, owner);
  }

  return routes;
}

const BOUNDS: Record<ExceededBound, string> = {
  tags: `would give the session more than ${TAGS_MAX} tags`,
  metadata: `would give the session more than ${METADATA_KEYS_MAX} keys or ${METADATA_CHARACTERS_MAX} characters of metadata`,
};

function refuseUnmerged({ deleted, exceeds }: ReportResult): void {
  if (exceeds !== null) {
    const problem = { pointer: `/${exceeds}`, detail: BOUNDS[exceeds] };
    throw new ProblemError({
      status: 400,
      code: "VALIDATION_FAILED",
      detail: `${problem.pointer}: ${problem.detail}; the report was not stored`,
      errors: [problem],
    });
  }
  if (!deleted) return;
  throw new ProblemError({
    status: 410,
    code: "SESSION_DELETED",
    detail: "This session was deleted and stays deleted.",
  });
}
