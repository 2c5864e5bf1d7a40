import { Hono } from "hono";
import { cors } from "hono/cors";
import type { Database } from "./db/database.ts";
import type { HealthProbe } from "./db/health-probe.ts";
import { allowedMethods } from "./http/allowed-methods.ts";
import type { Access, AppEnv } from "./http/context.ts";
import { answerEveryRequest } from "./http/every-request.ts";
import { INTERNAL, type ProblemOptions, problemOf, problemResponse } from "./http/problem.ts";
import { createRouter } from "./http/router.ts";
import { requireDeclaredScopes, routeScopes } from "./http/scopes.ts";
import type { IngestDependencies } from "./ingest/ingest-events.ts";
import type { ReportDependencies } from "./ingest/report-session.ts";
import { upToDate } from "./ingest/up-to-date.ts";
import type { JobAdministration } from "./jobs/job-administration.ts";
import type { DeleteSession } from "./jobs/session-deletion.ts";
import type { Limits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { ServerMetrics } from "./metrics/server-metrics.ts";
import type { Readiness } from "./readiness.ts";
import { blueprintRoutes } from "./routes/blueprints.ts";
import { deviceChangeRoutes } from "./routes/device-changes.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { enrolmentRoutes } from "./routes/enrolment.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes, probeRoutes } from "./routes/health.ts";
import { homeRoutes } from "./routes/home.ts";
import { ingestHealthRoutes, type QueueDepth } from "./routes/ingest-health.ts";
import { jobActionRoutes } from "./routes/job-actions.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { keyRoutes } from "./routes/keys.ts";
import { limitRoutes } from "./routes/limits.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { promptRoutes } from "./routes/prompts.ts";
import { queueRoutes } from "./routes/queues.ts";
import { referenceRoutes } from "./routes/reference.ts";
import { remoteEnvRoutes } from "./routes/remote-envs.ts";
import { sessionEditRoutes } from "./routes/session-edits.ts";
import { sessionReportRoutes } from "./routes/session-reports.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { timelineRoutes } from "./routes/timeline.ts";
import { workspaceRoutes } from "./routes/workspaces.ts";

export type WorkerDependencies = {
  access: Access;
  logger: Logger;
  limits: Limits;
  readiness: Readiness;
  health: HealthProbe;
  metrics: ServerMetrics;
  /** True while the job engine's claims have had no answer for too long. */
  jobsLate?: () => boolean;
  /** The job engine's metrics, as Prometheus' text. */
  jobMetrics?: () => string;
  /** How many proxies stand before the server, each of which appends to X-Forwarded-For. */
  trustedProxies: number;
  /** Pages of these origins may call the API; none by default. */
  corsOrigins: readonly string[];
};

export type AppDependencies = WorkerDependencies & {
  jobs: JobAdministration;
  queueDepth: () => QueueDepth;
  /** Resolves when what was acknowledged is projected onto devices, sessions and git activity. */
  caughtUp: () => Promise<void>;
  /** For reads: rows as they go out in JSON. */
  reads: Database;
  /** For what people change; apart from ingest, whose few connections are always busy. */
  edits: Database;
  deleteSession: DeleteSession;
  ingest: IngestDependencies;
  reports: ReportDependencies;
};

const PREFLIGHT_CACHE_S = 600;

/** Every route of the server. Built without a port, so that tests call `app.request()`. */
export function createApp(dependencies: AppDependencies): Hono<AppEnv> {
  const { metrics, reads, edits, limits } = dependencies;
  const { caughtUp } = dependencies;
  // For what reads or changes what events are projected onto.
  const current = { ...dependencies, reads: upToDate(reads, caughtUp), edits: upToDate(edits, caughtUp) };
  // With late jobs it still takes events: no reason to take it out of service.
  const app = createWorkerApp({ ...dependencies, jobsLate: () => false });
  app.route("/", homeRoutes(dependencies));
  app.route("/api/health", healthRoutes(dependencies));
  app.route("/api/events", eventRoutes(dependencies.ingest, metrics));
  app.route("/api/sessions", sessionRoutes(current));
  app.route("/api/sessions", sessionEditRoutes(current));
  app.route("/api/timeline", timelineRoutes(current));
  app.route("/api/workspaces", workspaceRoutes(current));
  app.route("/api/devices", deviceRoutes(current));
  app.route("/api/remote-envs", remoteEnvRoutes(current));
  app.route("/api/blueprints", blueprintRoutes(dependencies));
  app.route("/api/prompts", promptRoutes(current));
  app.route("/api", sessionReportRoutes({ ...dependencies.reports, reads: current.reads, limits }));
  app.route("/api/keys", keyRoutes({ edits, limits }));
  app.route("/api/devices", enrolmentRoutes({ edits, limits }));
  app.route("/api/devices", deviceChangeRoutes(current));
  app.route("/api/limits", limitRoutes({ limits }));
  app.route("/api/jobs", jobRoutes(dependencies));
  app.route("/api/jobs", jobActionRoutes(dependencies));
  app.route("/api/queues", queueRoutes(dependencies));
  app.route("/api/ingest", ingestHealthRoutes(dependencies));
  app.route(
    "/api/openapi.json",
    openApiRoutes(() => routeScopes(app)),
  );
  app.route(
    "/docs",
    referenceRoutes(() => routeScopes(app)),
  );
  requireDeclaredScopes(app);
  return app;
}

/** What every process serves, and a worker (WHARF_ROLE) alone: /health/live, /health/ready and /metrics. */
export function createWorkerApp(dependencies: WorkerDependencies): Hono<AppEnv> {
  const { logger, corsOrigins } = dependencies;
  const app = new Hono<AppEnv>({ router: createRouter() });
  answerEveryRequest(app, dependencies);
  allowOrigins(app, corsOrigins);
  app.route("/health", probeRoutes(dependencies));
  app.route("/metrics", metricsRoutes(dependencies));
  answerFailures(app, logger);
  requireDeclaredScopes(app);
  return app;
}

function allowOrigins(app: Hono<AppEnv>, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const options = {
    origin: [...origins],
    allowMethods: ["GET", "POST", "PATCH", "DELETE"],
    allowHeaders: ["Authorization", "Content-Type", "Content-Encoding", "Last-Event-ID", "X-Request-Id"],
    exposeHeaders: ["X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy"],
    maxAge: PREFLIGHT_CACHE_S,
  };
  app.use(cors(options));
}

const ROUTE_UNKNOWN = {
  status: 404,
  code: "ROUTE_UNKNOWN",
  detail: "There is no such route: GET /api/openapi.json lists them.",
};

function methodRefused(allowed: readonly string[]): ProblemOptions {
  const allow = allowed.join(", ");
  return {
    status: 405,
    code: "METHOD_NOT_ALLOWED",
    detail: `This path has no such method: use ${allow}.`,
    headers: { allow },
  };
}

function answerFailures(app: Hono<AppEnv>, logger: Logger): void {
  app.notFound((c) => {
    const { path } = c.req;
    const allowed = allowedMethods(app, path);
    const problem = allowed.length === 0 ? ROUTE_UNKNOWN : methodRefused(allowed);
    return problemResponse(path, c.env.requestId, problem);
  });
  app.onError((error, c) => {
    const problem = problemOf(error);
    if (problem === null) logger.error({ err: error, request_id: c.env.requestId }, "unexpected error");
    return problemResponse(c.req.path, c.env.requestId, problem ?? INTERNAL);
  });
}
