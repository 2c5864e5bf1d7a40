import { Hono } from "hono";
import { cors } from "hono/cors";
import type { Database } from "./db/database.ts";
import type { DeleteInPieces } from "./db/delete-in-pieces.ts";
import type { HealthProbe } from "./db/health-probe.ts";
import type { Access } from "./http/access.ts";
import { answerError, answerUnknownRoute } from "./http/failures.ts";
import { countRequests, logRequests, responseHeaders, writeStoredJson } from "./http/middleware.ts";
import { requireOperations, routesOf } from "./http/operation.ts";
import { type AppEnv, requestContext } from "./http/request-context.ts";
import { limitResponseMemory } from "./http/response-memory.ts";
import type { EventRetention } from "./ingest/event-retention.ts";
import type { IngestDependencies } from "./ingest/ingest-events.ts";
import type { Projector } from "./ingest/projector.ts";
import type { ReportDependencies } from "./ingest/report-session.ts";
import { upToDate } from "./ingest/up-to-date.ts";
import type { QueueDepth } from "./ingest/writer.ts";
import type { DeleteSessions } from "./jobs/delete-sessions.ts";
import type { JobAdministration } from "./jobs/job-administration.ts";
import type { EnqueueRedaction } from "./jobs/redact-held.ts";
import type { ParseQueue } from "./jobs/reparse-sessions.ts";
import type { DeleteSession } from "./jobs/session-deletion.ts";
import type { Limits } from "./limits.ts";
import type { Live } from "./live/create-live.ts";
import type { Logger } from "./logger.ts";
import type { ServerMetrics } from "./metrics/server-metrics.ts";
import type { Readiness } from "./readiness.ts";
import type { Redaction } from "./redaction/create-redaction.ts";
import { blueprintRoutes } from "./routes/blueprints.ts";
import { clientRoutes } from "./routes/client.ts";
import { commitRoutes } from "./routes/commits.ts";
import { answerUnknownPage, type DashboardDependencies, dashboardRoutes } from "./routes/dashboard.ts";
import { deviceFactsRoutes } from "./routes/device-facts.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { enrolmentRoutes } from "./routes/enrolment.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes, probeRoutes } from "./routes/health.ts";
import { hubTransferRoutes } from "./routes/hub-transfer.ts";
import { ingestHealthRoutes } from "./routes/ingest-health.ts";
import { jobActionRoutes } from "./routes/job-actions.ts";
import { jobBulkActionRoutes } from "./routes/job-bulk-actions.ts";
import { jobEnqueueRoutes } from "./routes/job-enqueue.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { keyRoutes } from "./routes/keys.ts";
import { limitRoutes } from "./routes/limits.ts";
import { liveRoutes } from "./routes/live.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { priceRoutes } from "./routes/prices.ts";
import { promptRoutes } from "./routes/prompts.ts";
import { queueRoutes } from "./routes/queues.ts";
import { sessionRedactionRoutes, workspaceRedactionRoutes } from "./routes/redaction.ts";
import { referenceRoutes } from "./routes/reference.ts";
import { remoteEnvRoutes } from "./routes/remote-envs.ts";
import { retentionRoutes } from "./routes/retention.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { searchRoutes } from "./routes/search.ts";
import { sessionEditRoutes } from "./routes/session-edits.ts";
import { sessionExportRoutes } from "./routes/session-export.ts";
import { sessionFileRoutes } from "./routes/session-files.ts";
import { sessionOverviewRoutes } from "./routes/session-overview.ts";
import { sessionReportRoutes } from "./routes/session-reports.ts";
import { sessionSelectionRoutes } from "./routes/session-selections.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { setupRoutes } from "./routes/setup.ts";
import { signInRoutes } from "./routes/sign-in.ts";
import { statsRoutes } from "./routes/stats.ts";
import { type HubPlace, storageRoutes } from "./routes/storage.ts";
import { timelineRoutes } from "./routes/timeline.ts";
import { transcriptAppendRoutes } from "./routes/transcript-append.ts";
import { transcriptFileRoutes } from "./routes/transcript-files.ts";
import { transcriptImageRoutes } from "./routes/transcript-images.ts";
import { transcriptUploadRoutes } from "./routes/transcript-upload.ts";
import { transcriptRoutes } from "./routes/transcripts.ts";
import { usageRoutes } from "./routes/usage.ts";
import { workspaceRoutes } from "./routes/workspaces.ts";
import { createSearch } from "./search/create-search.ts";
import type { CustodyDependencies } from "./transcripts/custody/custody.ts";
import type { Pricing } from "./transcripts/pricing.ts";

export type WorkerDependencies = {
  access: Access;
  logger: Logger;
  limits: Limits;
  readiness: Readiness;
  health: HealthProbe;
  metrics: ServerMetrics;
  /** Whether the claims of the job engine are overdue. */
  jobsLate?: () => boolean;
  /** The job engine's metrics, as Prometheus' text. */
  jobMetrics?: () => string;
  /** The number of proxies in front of the server, each of which appends to X-Forwarded-For. */
  trustedProxies: number;
  /** Origins whose pages may call the API (CORS); none by default. */
  corsOrigins: readonly string[];
};

export type AppDependencies = WorkerDependencies &
  DashboardDependencies & {
    jobs: JobAdministration;
    queueDepth: () => QueueDepth;
    /** Resolves when all acknowledged events are projected. */
    caughtUp: Projector["caughtUp"];
    /** For reads: rows in the format of the JSON responses. */
    reads: Database;
    /** For edits; separate from the connections of ingest, which are always busy. */
    edits: Database;
    deleteInPieces: DeleteInPieces;
    deleteSession: DeleteSession;
    deleteSessions: DeleteSessions;
    parses: ParseQueue;
    pricing: Pricing;
    hub: HubPlace;
    eventRetention: EventRetention;
    ingest: IngestDependencies;
    reports: ReportDependencies;
    redaction: Redaction;
    /** Transcript files of devices. */
    custody: CustodyDependencies;
    enqueueRedaction: EnqueueRedaction;
    live: Live;
  };

const PREFLIGHT_CACHE_S = 600;

/** Every route of the server. Needs no port: tests call `app.request()`. */
export function createApp(dependencies: AppDependencies): Hono<AppEnv> {
  const { metrics, reads, edits, limits, caughtUp } = dependencies;
  // For routes that read or change projected rows: they wait until the acknowledged events are projected.
  const current = { ...dependencies, reads: upToDate(reads, caughtUp), edits: upToDate(edits, caughtUp) };
  const search = createSearch(current);
  // A server whose jobs are late still accepts events: it stays in service.
  const app = createWorkerApp({ ...dependencies, jobsLate: () => false });
  const listRoutes = () => routesOf(app);
  app.notFound(answerUnknownPage(answerUnknownRoute(app)));
  app.route("/", dashboardRoutes(dependencies));
  app.route("/", clientRoutes());
  app.route("/api/health", healthRoutes(dependencies));
  app.route("/api/events", eventRoutes(dependencies.ingest, metrics));
  const stored = { database: reads, blobs: dependencies.custody.blobs };
  // `count` and `export` before the ids of sessions.
  app.route("/api/sessions", sessionSelectionRoutes({ ...current, search }));
  app.route("/api/sessions", sessionExportRoutes({ reads: current.reads, search, stored }));
  app.route("/api/sessions", transcriptImageRoutes({ reads: current.reads, stored }));
  app.route("/api/sessions", sessionRoutes({ ...current, search }));
  app.route("/api/sessions", sessionRedactionRoutes(dependencies));
  app.route("/api/sessions", sessionEditRoutes(current));
  app.route("/api/sessions", transcriptRoutes(current));
  app.route("/api/sessions", sessionOverviewRoutes(current));
  app.route("/api/sessions", sessionFileRoutes(current));
  app.route("/api/search", searchRoutes({ search, edits }));
  app.route("/api/sessions", transcriptAppendRoutes(dependencies.custody));
  app.route("/api/sessions", transcriptUploadRoutes(dependencies.custody));
  app.route("/api/sessions", transcriptFileRoutes({ reads, ...dependencies.custody }));
  app.route("/api/timeline", timelineRoutes(current));
  app.route("/api/commits", commitRoutes(current));
  app.route("/api/usage", usageRoutes(current));
  app.route("/api/stats", statsRoutes(current));
  app.route("/api/workspaces", workspaceRedactionRoutes(dependencies));
  app.route("/api/workspaces", retentionRoutes(dependencies));
  app.route("/api/workspaces", workspaceRoutes(current));
  app.route("/api/devices", deviceRoutes(current));
  app.route("/api/devices", deviceFactsRoutes({ edits, limits }));
  app.route("/api/remote-envs", remoteEnvRoutes(current));
  app.route("/api/blueprints", blueprintRoutes(dependencies));
  app.route("/api/prices", priceRoutes(dependencies));
  app.route("/api/prompts", promptRoutes(current));
  app.route("/api", sessionReportRoutes({ ...dependencies.reports, reads: current.reads }));
  const { custody, redaction } = dependencies;
  const transfer = { database: current.edits, blobs: custody.blobs, redaction, limits };
  app.route("/api", hubTransferRoutes(transfer));
  app.route("/api/keys", keyRoutes({ edits }));
  app.route("/api/devices", enrolmentRoutes({ edits, limits, redaction: dependencies.redaction }));
  app.route("/api", signInRoutes({ edits, limits }));
  app.route("/api/limits", limitRoutes());
  app.route("/api/live", liveRoutes({ reads: current.reads, live: dependencies.live }));
  app.route("/api/jobs", jobRoutes(dependencies));
  app.route("/api/jobs", jobEnqueueRoutes(dependencies));
  app.route("/api/jobs", jobBulkActionRoutes(dependencies));
  app.route("/api/jobs", jobActionRoutes(dependencies));
  app.route("/api/schedules", scheduleRoutes(dependencies));
  app.route("/api/queues", queueRoutes(dependencies));
  app.route("/api/setup", setupRoutes(current));
  app.route("/api/storage", storageRoutes(dependencies));
  app.route("/api/ingest", ingestHealthRoutes(dependencies));
  app.route("/api/openapi.json", openApiRoutes(listRoutes));
  app.route("/docs", referenceRoutes(listRoutes));
  requireOperations(app);
  return app;
}

/** The routes of every process; a worker (WHARF_ROLE) has no others: /health/live, /health/ready and /metrics. */
export function createWorkerApp(dependencies: WorkerDependencies): Hono<AppEnv> {
  const { access, corsOrigins, limits, logger, metrics, trustedProxies } = dependencies;
  const app = new Hono<AppEnv>();
  app.use(requestContext(dependencies));
  app.use(logRequests(logger, access));
  app.use(countRequests(metrics));
  app.use(responseHeaders(limits, trustedProxies));
  app.use(limitResponseMemory(limits, metrics));
  app.use(writeStoredJson);
  if (corsOrigins.length > 0) app.use(cors(corsOptions(corsOrigins)));
  app.route("/health", probeRoutes(dependencies));
  app.route("/metrics", metricsRoutes(dependencies));
  app.notFound(answerUnknownRoute(app));
  app.onError(answerError(logger));
  requireOperations(app);
  return app;
}

function corsOptions(origins: readonly string[]) {
  return {
    origin: [...origins],
    allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: ["Authorization", "Content-Type", "Content-Encoding", "Last-Event-ID", "X-Request-Id"],
    exposeHeaders: ["X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy"],
    maxAge: PREFLIGHT_CACHE_S,
  };
}
