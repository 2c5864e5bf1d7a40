import { createJobRunner } from "@wharf/job-runner";
import type { Hono } from "hono";
import { type AppDependencies, createApp, createWorkerApp } from "./app.ts";
import { openBlobStore } from "./blobs/open-blob-store.ts";
import type { Config } from "./config.ts";
import type { Database } from "./db/database.ts";
import { describeDatabaseError } from "./db/database-errors.ts";
import { createDeleteInPieces } from "./db/delete-in-pieces.ts";
import { type DatabaseLocation, locateDatabase, requireUnusedDataDir } from "./db/embedded.ts";
import { obstacleToChecksBySet } from "./db/ingest/parent-checks.ts";
import { migratePhases } from "./db/phases.ts";
import { openPools, type Pools } from "./db/pools.ts";
import { describeConnectionString, type Sql } from "./db/postgres.ts";
import { waitForDatabase } from "./db/wait-for-database.ts";
import { resolveFromRoot } from "./environment.ts";
import { createAccess } from "./http/access.ts";
import type { AppEnv } from "./http/request-context.ts";
import { type HttpServer, requireFreeAddress, serve } from "./http/serve.ts";
import { createFlush } from "./ingest/flush.ts";
import { createFlushRunner } from "./ingest/flush-runner.ts";
import type { IngestDependencies } from "./ingest/ingest-events.ts";
import { createKnownParents } from "./ingest/known-parents.ts";
import { projectRows } from "./ingest/project-rows.ts";
import { createProjector } from "./ingest/projector.ts";
import { retryProjectionsAtBoot } from "./ingest/retry-projections.ts";
import { type Checked, createStore, sizeOfChecked } from "./ingest/store-checked.ts";
import { createWorkspaceResolver } from "./ingest/workspace-resolver.ts";
import { createWriteLanes } from "./ingest/write-lanes.ts";
import { COMMAND_QUEUE, COMMANDS_AT_ONCE, createCommandJobs } from "./jobs/command-job.ts";
import { createServerJobs } from "./jobs/server-jobs.ts";
import {
  createSessionDeleter,
  createSessionDeletionJob,
  DELETION_QUEUE,
  DELETIONS_AT_ONCE,
} from "./jobs/session-deletion.ts";
import { type AdminKey, ensureAdminKey, loadAdminKey } from "./keys/admin-key.ts";
import type { Logger } from "./logger.ts";
import { createMeasurePool, measureFlush } from "./metrics/measure.ts";
import { observeLog, observeMigrations, observeProjections, observeQueue } from "./metrics/observe.ts";
import { observeProcess } from "./metrics/process-metrics.ts";
import { createServerMetrics, type ServerMetrics } from "./metrics/server-metrics.ts";
import { createReadiness } from "./readiness.ts";
import { within } from "./waits.ts";
import { describeStart } from "./welcome.ts";

export type RunningServer = {
  port: number;
  /** Takes nothing new, answers what was taken in, gives back jobs, closes the database. Within DRAIN_MAX_MS. */
  drain(): Promise<void>;
};

export const DRAIN_MAX_MS = 10_000;
const HTTP_GRACE_MS = 4_000;
/** What is not projected by then is projected at the next start. */
const PROJECTIONS_GRACE_MS = 2_000;
const JOBS_GRACE_MS = 3_000;
/** Two statements without an answer, and some more. */
const JOBS_LATE_MS = 30_000;

export type BootOptions = {
  /** By the log's output so far. */
  logLinesDropped: () => number;
  /** Ends a wait for the database. */
  stopping: AbortSignal;
};

/** The composition root: the only place that constructs things. Throws WharfError with the reason when it cannot start. */
export async function boot(config: Config, logger: Logger, options: BootOptions): Promise<RunningServer> {
  const dataDir = resolveFromRoot(config.dataDir);
  await requireUnusedDataDir(config, dataDir);
  await requireFreeAddress(config);
  reportIgnored(config, logger);
  const location = await locateDatabase(config, dataDir, "server");
  const cleanUp: (() => Promise<unknown>)[] = [location.close];
  try {
    location.supervise(logger);
    const adminKey = await loadAdminKey(config, dataDir, location.embedded !== null);
    return await start({ ...options, config, logger, location, adminKey, cleanUp });
  } catch (error) {
    for (const undo of cleanUp.reverse()) await undo().catch(() => undefined);
    throw error;
  }
}

type Start = BootOptions & {
  config: Config;
  logger: Logger;
  location: DatabaseLocation;
  adminKey: AdminKey;
  cleanUp: (() => Promise<unknown>)[];
};

async function start(given: Start): Promise<RunningServer> {
  const { config, logger, location, adminKey, cleanUp } = given;
  const { limits, trustedProxies, corsOrigins } = config;
  const metrics = createServerMetrics();
  const readiness = createReadiness();
  const pools = openPools({
    url: location.url,
    directUrl: config.databaseDirectUrl,
    connections: config.databaseConnections,
    deadline_ms: limits.statement_deadline_ms,
    problem: location.problem,
    measure: createMeasurePool(metrics),
  });
  const { reads, edits, health, direct } = pools;
  cleanUp.push(pools.close);
  const ingest = createIngest(config, pools, metrics, logger);
  const migrations = { applied: 0, unknown: 0 };
  const processMetrics = observeProcess(metrics.registry);
  observeQueue(metrics.registry, ingest.writer.depth);
  observeMigrations(metrics.registry, () => migrations);
  observeLog(metrics.registry, given.logLinesDropped);
  const access = createAccess({
    adminKey: adminKey.source === "table" ? null : adminKey.key,
    database: pools.keys,
    limits,
    trustedProxies,
    onRefusal: (limit) => metrics.refusals.add(1, limit),
  });
  const migrate = async () => {
    await waitForDatabases(given);
    Object.assign(migrations, await migrateAndReport(direct, logger));
  };
  const { runner, deleteSession } = await createJobs(config, pools, migrate, logger);

  const dependencies: AppDependencies = {
    access,
    logger,
    metrics,
    trustedProxies,
    corsOrigins,
    limits,
    readiness,
    health,
    reads,
    edits,
    queueDepth: ingest.writer.depth,
    caughtUp: ingest.caughtUp,
    jobs: runner,
    jobsLate: () => runner.stats().claimLateMs > JOBS_LATE_MS,
    jobMetrics: runner.metrics.prometheus,
    deleteSession,
    ingest: ingest.dependencies,
    reports: { database: pools.reports, workspaces: ingest.workspaces },
  };
  const app = config.role === "worker" ? createWorkerApp(dependencies) : createApp(dependencies);

  const http = listen(app, config, logger);
  cleanUp.push(() => http.stop(0));
  await runner.start();
  await reportObstacle(pools.flush, logger);
  // To the terminal alone: a log is kept, shipped and searched.
  const isKeyShown =
    adminKey.source === "table" && (await ensureAdminKey(edits, (text) => process.stderr.write(text)));
  await retryProjectionsAtBoot(pools.ingest, logger);
  readiness.set("ready");
  describeStart({ config, logger, port: http.port, adminKey, isKeyShown, location });

  async function drain(): Promise<void> {
    readiness.set("draining");
    await http.stop(HTTP_GRACE_MS);
    await ingest.drained();
    await runner.drain(JOBS_GRACE_MS);
    processMetrics.stop();
    await pools.close();
    await location.close();
  }

  return { port: http.port, drain };
}

function listen(app: Hono<AppEnv>, { host, port }: Config, logger: Logger): HttpServer {
  const onError = (error: unknown, request_id: string) =>
    logger.error({ err: error, request_id }, "unexpected error");
  return serve(app, { host, port, onError });
}

/** Parameters that other drivers know, or that would have to be settings. */
function reportIgnored({ databaseUrl, databaseDirectUrl }: Config, logger: Logger): void {
  for (const [variable, url] of Object.entries({
    DATABASE_URL: databaseUrl,
    DATABASE_DIRECT_URL: databaseDirectUrl,
  })) {
    const ignored = url === undefined ? [] : describeConnectionString(url).ignored;
    if (ignored.length > 0)
      logger.warn(
        { variable, ignored },
        "parameters of the connection string have no effect; set Postgres settings with options=-c name=value",
      );
  }
}

/** The one behind a pooler, and the pooler. While it waits, the server answers that it lives and is not ready. */
async function waitForDatabases({ config, logger, location, stopping }: Start): Promise<void> {
  for (const url of new Set([config.databaseDirectUrl ?? location.url, location.url])) {
    await waitForDatabase(url, {
      deadline_ms: config.databaseWaitMs,
      stopping,
      onWait: (waited_ms, reason) => logger.warn({ waited_ms, reason }, "waiting for the database"),
    });
  }
}

async function createJobs(config: Config, pools: Pools, migrate: () => Promise<void>, logger: Logger) {
  const blobs = await openBlobStore(config.blobs, pools.deferrable);
  const deleteInPieces = createDeleteInPieces(pools.deferrable);
  const jobs = createServerJobs({
    database: pools.deferrable,
    deleteInPieces,
    blobs,
    logger,
    session_idle_ms: config.sessionIdleMs,
  });
  const deletionJob = createSessionDeletionJob(deleteInPieces);
  const runner = createJobRunner({
    sql: pools.jobs,
    listenSql: pools.direct,
    migrate,
    jobs: [...jobs.map(({ job }) => job), deletionJob, ...(await createCommandJobs(config, blobs))],
    queues: { [COMMAND_QUEUE]: COMMANDS_AT_ONCE, [DELETION_QUEUE]: DELETIONS_AT_ONCE },
    schedules: jobs.map(({ schedule }) => schedule),
    workers: config.role !== "server",
    workerMode: config.workerMode,
    administrationSql: pools.jobAdministration,
    useAdvisoryLocks: config.useAdvisoryLocks,
    logger,
  });
  const enqueue = (session_id: string) => runner.enqueue(deletionJob, { session_id });
  return { runner, deleteSession: createSessionDeleter({ deleteInPieces, enqueue, logger }) };
}

async function migrateAndReport(direct: Sql, logger: Logger): Promise<{ applied: number; unknown: number }> {
  const onWait = (waited_ms: number) =>
    logger.info({ waited_ms }, "waiting for another process to finish its migrations");
  const { applied, skipped, unknown } = await migratePhases(direct, { onWait });
  if (applied.length > 0) logger.info({ applied }, "migrations applied");
  if (unknown.length > 0)
    logger.warn({ unknown }, "the database is newer than this version: serving it nevertheless");
  return { applied: applied.length + skipped.length + unknown.length, unknown: unknown.length };
}

/** Whatever the reason, flushes have another way: it must not keep the server from starting. */
async function reportObstacle(flush: Database, logger: Logger): Promise<void> {
  const obstacle = await obstacleToChecksBySet(flush).catch(describeDatabaseError);
  if (obstacle !== null) logger.warn({ obstacle }, `slower ingest: ${obstacle}`);
}

function createIngest(
  { limits }: Config,
  { ingest: database, flush: bySetDatabase }: Pools,
  metrics: ServerMetrics,
  logger: Logger,
) {
  const workspaces = createWorkspaceResolver(database);
  const projector = createProjector({
    projectRows: (rows) => projectRows(database, rows),
    logger,
  });
  observeProjections(metrics.registry, projector.depth);
  const flush = createFlush({
    database,
    runFlush: createFlushRunner({
      database,
      bySetDatabase,
      onRetry: () => metrics.flushRetries.add(1),
    }),
    workspaces,
    parents: createKnownParents(),
    projector,
    onRetry: (reason) => {
      metrics.flushRetries.add(1);
      logger.warn({ reason }, "flush will be retried");
    },
  });
  const writer = createWriteLanes<Checked>({
    flush: createStore({ flush: measureFlush(flush, metrics), database }),
    sizeOf: sizeOfChecked,
    queueMaxItems: limits.write_queue_events,
    queueMaxBytes: limits.write_queue_bytes,
  });
  const dependencies: IngestDependencies = {
    limits,
    now: () => new Date(),
    write: writer.write,
  };
  const { caughtUp } = projector;
  const drained = () => writer.drained().then(() => within(caughtUp(), PROJECTIONS_GRACE_MS));
  return { writer, caughtUp, drained, workspaces, dependencies };
}
