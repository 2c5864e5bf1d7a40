import { createJobRunner } from "@wharf/job-runner";
import { loadAdminKey } from "./admin-key.ts";
import { createApp } from "./app.ts";
import type { Config } from "./config.ts";
import { openDatabase } from "./db/database.ts";
import { type DatabaseLocation, locateDatabase } from "./db/embedded.ts";
import { createHealthProbe } from "./db/health-probe.ts";
import { insertNotes } from "./db/ingest-notes.ts";
import { migratePhases, migrationStatus } from "./db/phases.ts";
import { closeDb, createDb, type DbOptions } from "./db/postgres.ts";
import { resolveFromRoot } from "./environment.ts";
import { type HttpServer, serve } from "./http/serve.ts";
import type { CheckedEvent } from "./ingest/check-event.ts";
import { createFlush } from "./ingest/flush.ts";
import { repairIngest } from "./ingest/repair.ts";
import { createWorkspaceResolver } from "./ingest/workspace-resolver.ts";
import { createWriter, FLUSHES_IN_FLIGHT_MAX } from "./ingest/writer.ts";
import { createServerJobs } from "./jobs/server-jobs.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import { createReadiness } from "./readiness.ts";
import { describeStart } from "./welcome.ts";

export type RunningServer = {
  port: number;
  /** Takes nothing new, answers what was taken in, gives back jobs, closes the database. Within DRAIN_MAX_MS. */
  drain(): Promise<void>;
};

export const DRAIN_MAX_MS = 10_000;
const HTTP_GRACE_MS = 4_000;
const JOBS_GRACE_MS = 3_000;
const ADMINISTRATION_CONNECTIONS = 2;
const EDIT_CONNECTIONS = 2;

/** The composition root: the only place that constructs things. Throws WharfError with the reason when it cannot start. */
export async function boot(config: Config, logger: Logger): Promise<RunningServer> {
  const dataDir = resolveFromRoot(config.dataDir);
  const adminKey = await loadAdminKey(config, dataDir);
  const location = await locateDatabase(config, dataDir);
  const cleanUp: (() => Promise<unknown>)[] = [async () => await location.embedded?.stop()];
  try {
    return await start(config, logger, location, adminKey, cleanUp);
  } catch (error) {
    for (const undo of cleanUp.reverse()) await undo().catch(() => undefined);
    throw error;
  }
}

async function start(
  config: Config,
  logger: Logger,
  location: DatabaseLocation,
  adminKey: Awaited<ReturnType<typeof loadAdminKey>>,
  cleanUp: (() => Promise<unknown>)[],
): Promise<RunningServer> {
  const limits = DEFAULT_LIMITS;
  const readiness = createReadiness();
  const pools = openPools(config, location.url, limits);
  const { sql, reads, edits, writes, health, direct } = pools;
  cleanUp.push(pools.close);

  const workspaces = createWorkspaceResolver(writes);
  const flush = createFlush({
    database: writes,
    workspaces,
    onRetry: (reason) => logger.warn({ reason }, "flush tried again"),
  });
  const writer = createWriter<CheckedEvent>({
    flush,
    sizeOf: (event) => event.data.length,
    queueMaxItems: limits.write_queue_events,
    queueMaxBytes: limits.write_queue_bytes,
  });
  const app = createApp({
    adminKey: adminKey.key,
    logger,
    limits,
    readiness,
    health,
    reads,
    edits,
    ingest: {
      limits,
      now: () => new Date(),
      write: writer.write,
      saveNotes: (notes) =>
        notes.length === 0 ? Promise.resolve() : writes.run((sql) => insertNotes(sql, notes)),
    },
    reports: { database: writes, workspaces },
  });

  const jobs = createServerJobs({
    database: writes,
    logger,
    now: () => new Date(),
    session_idle_ms: config.sessionIdleMs,
  });
  const runner = createJobRunner({
    sql,
    listenSql: direct,
    migrate: () => migrate(),
    jobs: jobs.map(({ job }) => job),
    workers: config.role !== "server",
    useAdvisoryLocks: config.useAdvisoryLocks,
    logger,
  });

  async function migrate(): Promise<void> {
    const onWait = (waited_ms: number) =>
      logger.info({ waited_ms }, "waiting for another process to finish its migrations");
    const { applied } = await migratePhases(direct, { onWait });
    const { unknown } = await migrationStatus(direct);
    if (applied.length > 0) logger.info({ applied }, "migrations applied");
    if (unknown.length > 0)
      logger.warn({ unknown }, "the database is newer than this version: serving it nevertheless");
  }

  const http: HttpServer = serve(app, { host: config.host, port: config.port });
  cleanUp.push(() => http.stop(0));
  await runner.start();
  await repairIngest(writes, logger);
  for (const job of jobs) await job.begin(runner);
  readiness.set("ready");
  describeStart({ config, logger, port: http.port, adminKeyFile: adminKey.file, location });

  async function drain(): Promise<void> {
    readiness.set("draining");
    await http.stop(HTTP_GRACE_MS);
    await writer.drained();
    await runner.drain(JOBS_GRACE_MS);
    await pools.close();
    await location.embedded?.stop();
  }

  return { port: http.port, drain };
}

/** Apart from each other, so that a slow list never keeps an event waiting. */
function openPools(config: Config, url: string, limits: Limits) {
  const deadline_ms = limits.statement_deadline_ms;
  const open = (applicationName: string, options: DbOptions) =>
    openDatabase(url, { applicationName, deadline_ms, ...options });
  const sql = createDb(url);
  const reads = open("wharf-reads", { wireTypes: true });
  const edits = open("wharf-edits", { max: EDIT_CONNECTIONS, wireTypes: true });
  const writes = open("wharf-ingest", { max: FLUSHES_IN_FLIGHT_MAX, plansByIndex: true });
  const health = createHealthProbe(url);
  const direct = createDb(config.databaseDirectUrl ?? url, {
    applicationName: "wharf-migrate",
    max: ADMINISTRATION_CONNECTIONS,
  });
  const close = async () => {
    const databases = [reads, edits, writes, health].map((database) => database.close());
    await Promise.all([closeDb(sql), closeDb(direct), ...databases]);
  };
  return { sql, reads, edits, writes, health, direct, close };
}
