import { Hono } from "hono";
import type { Database } from "./db/database.ts";
import type { HealthProbe } from "./db/health-probe.ts";
import { requireAdminKey } from "./http/auth.ts";
import type { AppEnv } from "./http/context.ts";
import { ProblemError, problemOf, problemResponse, RETRY_AFTER_S } from "./http/problem.ts";
import { logRequests } from "./http/request-log.ts";
import type { IngestDependencies } from "./ingest/ingest-events.ts";
import type { ReportDependencies } from "./ingest/report-session.ts";
import type { Limits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { Readiness } from "./readiness.ts";
import { blueprintRoutes } from "./routes/blueprints.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes, probeRoutes } from "./routes/health.ts";
import { promptRoutes } from "./routes/prompts.ts";
import { remoteEnvRoutes } from "./routes/remote-envs.ts";
import { sessionEditRoutes } from "./routes/session-edits.ts";
import { sessionReportRoutes } from "./routes/session-reports.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { timelineRoutes } from "./routes/timeline.ts";
import { workspaceRoutes } from "./routes/workspaces.ts";

export type AppDependencies = {
  adminKey: string;
  logger: Logger;
  limits: Limits;
  readiness: Readiness;
  health: HealthProbe;
  /** For reads: rows as they go out in JSON. */
  reads: Database;
  /** For what people change; apart from ingest, whose few connections are always busy. */
  edits: Database;
  ingest: IngestDependencies;
  reports: ReportDependencies;
};

/** Every route of the server. Built without a port, so that tests call `app.request()`. */
export function createApp(dependencies: AppDependencies): Hono<AppEnv> {
  const { readiness, logger, reads, limits } = dependencies;
  const app = new Hono<AppEnv>();
  app.use(logRequests(logger));
  app.route("/health", probeRoutes(dependencies));
  app.route("/api/health", healthRoutes(dependencies));
  app.use("/api/*", requireAdminKey(dependencies.adminKey));
  app.use("/api/*", refuseUnlessReady(readiness));
  app.route("/api/events", eventRoutes(dependencies.ingest));
  app.route("/api/sessions", sessionRoutes(dependencies));
  app.route("/api/sessions", sessionEditRoutes(dependencies));
  app.route("/api/timeline", timelineRoutes(dependencies));
  app.route("/api/workspaces", workspaceRoutes(dependencies));
  app.route("/api/devices", deviceRoutes(dependencies));
  app.route("/api/remote-envs", remoteEnvRoutes(dependencies));
  app.route("/api/blueprints", blueprintRoutes(dependencies));
  app.route("/api/prompts", promptRoutes(dependencies));
  app.route("/api", sessionReportRoutes({ ...dependencies.reports, reads, limits }));
  app.notFound((c) =>
    problemResponse(c, c.var.requestId, {
      status: 404,
      code: "ROUTE_UNKNOWN",
      detail: "There is no such route: see the README.",
    }),
  );
  app.onError((error, c) => {
    const problem = problemOf(error);
    if (problem === null) logger.error({ err: error, request_id: c.var.requestId }, "unexpected error");
    const fallback = {
      status: 500,
      code: "INTERNAL",
      detail: "Something went wrong; the server's log has it under this request_id.",
    };
    return problemResponse(c, c.var.requestId, problem ?? fallback);
  });
  return app;
}

/** Before the migrations are through there may be no tables; while draining, nothing new is taken in. */
function refuseUnlessReady(readiness: Readiness) {
  return async function checkReady(_c: unknown, next: () => Promise<void>): Promise<void> {
    const phase = readiness.phase();
    if (phase === "ready") return await next();
    throw new ProblemError({
      status: 503,
      code: phase === "draining" ? "SERVER_DRAINING" : "SERVER_STARTING",
      detail:
        phase === "draining"
          ? "The server is shutting down: send again."
          : "The server is starting: send again.",
      headers: { "retry-after": String(RETRY_AFTER_S) },
    });
  };
}
