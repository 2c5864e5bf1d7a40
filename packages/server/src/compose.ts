import type { JobRunner } from "@wharf/job-runner";
import type { Hono } from "hono";
import { type AppDependencies, createApp, createWorkerApp } from "./app.ts";
import { openBlobStore } from "./blobs/open-blob-store.ts";
import type { Config } from "./config.ts";
import { describeDatabaseError } from "./db/database-errors.ts";
import type { DatabaseLocation } from "./db/embedded.ts";
import { openPools, type Pools } from "./db/pools.ts";
import { type Access, createAccess } from "./http/access.ts";
import type { AppEnv } from "./http/request-context.ts";
import { createIngest, type Ingest } from "./ingest/create-ingest.ts";
import { createEngine } from "./jobs/create-engine.ts";
import { createJobChanges } from "./jobs/job-changes.ts";
import { noteOperations } from "./jobs/note-operations.ts";
import { createChangeHint, listenForChanges } from "./live/change-hint.ts";
import { createLive, type Live } from "./live/create-live.ts";
import type { Logger } from "./logger.ts";
import { createMeasurePool } from "./metrics/measure.ts";
import { createServerMetrics, type ServerMetrics } from "./metrics/server-metrics.ts";
import { createReadiness, type Readiness } from "./readiness.ts";
import { createRedaction, type Redaction } from "./redaction/create-redaction.ts";
import { createPricing, type Pricing } from "./transcripts/pricing.ts";

export type ComposeOptions = {
  config: Config;
  location: Pick<DatabaseLocation, "url" | "problem" | "findPooler">;
  /** Of the embedded database; none: the database is elsewhere. */
  databaseFolder?: string | null;
  /** The admin key of the environment or of the data folder; null: keys of the table alone. */
  adminKey: string | null;
  logger: Logger;
  /** Awaited by the job engine before it begins. */
  migrate?: (pools: Pools) => Promise<unknown>;
  /** Other clocks and waits than a process has. */
  time?: Time;
};

export type Time = {
  now?: () => Date;
  /** Milliseconds of a clock that never goes back, for caches and rate limits. */
  monotonicMs?: () => number;
  /** How long a request waits for the deletion of a session. */
  deletionMs?: number;
  /** Of live streams: from one beat to the next, how much may wait for a client, and how long a reader waits for a hint. */
  live?: { beatMs?: number; waitingMax?: number; pollMs?: number };
};

/** The parts of a server, wired; it does not listen, and runs no jobs before `jobs.start`. */
export type Server = {
  app: Hono<AppEnv>;
  pools: Pools;
  ingest: Ingest;
  jobs: JobRunner;
  live: Live;
  access: Access;
  pricing: Pricing;
  metrics: ServerMetrics;
  readiness: Readiness;
  redaction: Redaction;
  /** On a migrated database: enqueues the search of what older redaction rules have searched. */
  redactOutdated(): Promise<void>;
  /** Answers accepted requests, releases jobs and closes the pools. */
  drain(): Promise<void>;
};

const JOBS_GRACE_MS = 3_000;
/** Two statements without an answer, and some more. */
const JOBS_LATE_MS = 30_000;

/** One line for each shortage. */
const SHORTAGE_LOG_MS = 10 * 60_000;

function createShortageLog(logger: Logger): (pool: string) => void {
  let loggedAt_ms = Number.NEGATIVE_INFINITY;
  return (pool) => {
    if (performance.now() - loggedAt_ms < SHORTAGE_LOG_MS) return;
    loggedAt_ms = performance.now();
    logger.warn(
      { pool },
      "Postgres refused a connection (53300): this process works with fewer. Lower WHARF_DB_CONNECTIONS of all processes to their share of max_connections - 3, or raise max_connections",
    );
  };
}

/** Wires a server; the only place that does, for the program and for tests. Connects to nothing yet. */
export async function compose(options: ComposeOptions): Promise<Server> {
  const { config, logger, migrate, databaseFolder = null, time = {} } = options;
  const { limits, trustedProxies, corsOrigins, isDevelopment } = config;
  const settings = { limits, trustedProxies, corsOrigins, isDevelopment };
  const metrics = createServerMetrics();
  const readiness = createReadiness();
  const pools = openPoolsOf(options, metrics);
  const redaction = createRedaction(pools.edits, time.monotonicMs);
  const now = time.now ?? (() => new Date());
  const onFlushed = createChangeHint(pools.ingest);
  const ingest = createIngest({ pools, redaction, limits, metrics, logger, now, onFlushed });
  const access = createAccessOf(options, pools, metrics);
  const pricing = createPricing(pools.edits);
  const blobs = await openBlobStore(config.blobs, pools.deferrable);
  const jobChanges = createJobChanges(pools.deferrable);
  const {
    runner: jobs,
    redactOutdated,
    ...engine
  } = await createEngine({
    config,
    pools,
    blobs,
    logger,
    migrate: async () => migrate?.(pools),
    redaction,
    deletionMs: time.deletionMs,
    onJobChanged: jobChanges.note,
  });
  const live = createLiveOf(options, { pools, jobs, metrics });
  const dependencies: AppDependencies = {
    access,
    logger,
    metrics,
    ...settings,
    readiness,
    health: pools.health,
    reads: pools.reads,
    edits: pools.edits,
    queueDepth: ingest.depth,
    caughtUp: ingest.caughtUp,
    jobs: noteOperations(jobs, jobChanges),
    jobsLate: () => jobs.stats().claimLateMs > JOBS_LATE_MS,
    jobMetrics: jobs.metrics.prometheus,
    ...engine,
    pricing,
    hub: { blobKind: config.blobs.kind, databaseFolder },
    eventRetention: ingest.retention,
    ingest: ingest.events,
    reports: ingest.reports,
    redaction,
    live,
    custody: {
      ...engine,
      database: pools.deferrable,
      blobs,
      redaction,
      workspaces: ingest.reports.workspaces,
    },
  };
  const app = config.role === "worker" ? createWorkerApp(dependencies) : createApp(dependencies);

  async function drain(): Promise<void> {
    live.close();
    await ingest.drained();
    await jobs.drain(JOBS_GRACE_MS);
    await jobChanges.close();
    await redaction.pool.close();
    await pools.close();
  }

  const parts = { app, pools, ingest, jobs, live, access, pricing, metrics, readiness, redaction };
  return { ...parts, redactOutdated, drain };
}

function openPoolsOf({ config, location, logger }: ComposeOptions, metrics: ServerMetrics): Pools {
  return openPools({
    url: location.url,
    directUrl: config.databaseDirectUrl,
    readUrl: config.readDatabaseUrl,
    findPooler: location.findPooler,
    connections: config.databaseConnections,
    deadlineMs: config.limits.statement_deadline_ms,
    problem: location.problem,
    onRefused: createShortageLog(logger),
    measure: createMeasurePool(metrics),
  });
}

function createAccessOf(options: ComposeOptions, pools: Pools, metrics: ServerMetrics): Access {
  const { config, adminKey, time = {} } = options;
  return createAccess({
    adminKey,
    database: pools.keys,
    limits: config.limits,
    trustedProxies: config.trustedProxies,
    onRefusal: (limit) => metrics.refusals.add(1, limit),
    ...(time.monotonicMs === undefined ? {} : { now: time.monotonicMs }),
  });
}

function createLiveOf(
  { config, logger, time = {} }: ComposeOptions,
  { pools, jobs, metrics }: Pick<Server, "pools" | "jobs" | "metrics">,
): Live {
  const live = createLive({
    reads: pools.reads,
    edits: pools.edits,
    jobs,
    streamsMax: config.limits.live_streams,
    metrics,
    onFirst: () => void listenForChanges(pools, () => live.wake()),
    onError: (error) =>
      logger.warn({ reason: describeDatabaseError(error) }, "live changes could not be read"),
    ...time.live,
  });
  return live;
}
