import { compose, type Server } from "./compose.ts";
import type { Config } from "./config.ts";
import { hasCookies } from "./db/edits/sign-ins.ts";
import { type DatabaseLocation, locateDatabase, requireUnusedDataDir } from "./db/embedded.ts";
import type { Pools } from "./db/pools.ts";
import { resolveFromRoot } from "./environment.ts";
import { type HttpServer, requireFreeAddress, serve } from "./http/serve.ts";
import { type AdminKey, ensureAdminKey, loadAdminKey } from "./keys/admin-key.ts";
import { createSignInLink } from "./keys/sign-in-link.ts";
import type { Logger } from "./logger.ts";
import { observeLog, observeMigrations } from "./metrics/observe.ts";
import { observeProcess } from "./metrics/process-metrics.ts";
import { logIgnoredParameters, prepareDatabase } from "./prepare-database.ts";
import { dashboard } from "./routes/dashboard.ts";
import { writeServerAddress } from "./server-address.ts";
import { describeStart } from "./welcome.ts";

export type RunningServer = {
  port: number;
  /** Stops accepting, answers accepted requests, releases jobs, closes the database. Within DRAIN_MAX_MS. */
  drain(): Promise<void>;
};

export const DRAIN_MAX_MS = 10_000;
const HTTP_GRACE_MS = 4_000;

export type BootOptions = {
  /** By the log's output so far. */
  logLinesDropped: () => number;
  /** Ends a wait for the database. */
  stopping: AbortSignal;
};

type Start = BootOptions & { config: Config; logger: Logger; location: DatabaseLocation; adminKey: AdminKey };
type Undo = () => Promise<unknown>;

/** Starts a server in this process. Throws WharfError with the reason when it cannot start. */
export async function boot(config: Config, logger: Logger, options: BootOptions): Promise<RunningServer> {
  const dataDir = resolveFromRoot(config.dataDir);
  await requireUnusedDataDir(config, dataDir);
  await requireFreeAddress(config);
  logIgnoredParameters(config, logger);
  const location = await locateDatabase(config, dataDir, "server");
  const undos: Undo[] = [location.close];
  try {
    location.supervise(logger);
    const adminKey = await loadAdminKey(config, dataDir, location.embedded !== null);
    return await start({ ...options, config, logger, location, adminKey }, undos);
  } catch (error) {
    for (const undo of undos.reverse()) await undo().catch(() => undefined);
    throw error;
  }
}

async function start(given: Start, undos: Undo[]): Promise<RunningServer> {
  const { config, logger, location, adminKey } = given;
  const migrations = { applied: 0, unknown: 0 };
  const migrate = async (pools: Pools) => {
    Object.assign(migrations, await prepareDatabase(pools, given));
    // Before the jobs: the one that retries projections could have taken rows that must be projected when the server is ready.
    await server.ingest.start();
  };
  const key = adminKey.source === "table" ? null : adminKey.key;
  const server = await compose({
    ...{ config, location, adminKey: key, logger, migrate },
    databaseFolder: location.embedded?.dataDir ?? null,
  });
  undos.push(server.pools.close);
  const { registry } = server.metrics;
  const processMetrics = observeProcess(registry);
  observeMigrations(registry, () => migrations);
  observeLog(registry, given.logLinesDropped);

  // From here on it answers that it lives and is not ready.
  const http = listen(server, config, logger);
  undos.push(() => http.stop(0));
  // During the migrations, and not awaited: devices need no pages. The first request for one reports a failed build.
  if (config.role !== "worker") void dashboard().catch(() => undefined);
  await server.jobs.start();
  await server.pricing.load();
  // To the terminal alone: a log is kept, shipped and searched.
  const show = (text: string) => process.stderr.write(text);
  const isKeyShown = adminKey.source === "table" && (await ensureAdminKey(server.pools.edits, show));
  await server.redactOutdated();
  server.readiness.set("ready");
  // A database elsewhere has no data directory.
  const forget =
    location.embedded === null
      ? null
      : await writeServerAddress(resolveFromRoot(config.dataDir), { host: config.host, port: http.port });
  const showsLink = process.stdout.isTTY && config.role !== "worker";
  const signInPath = showsLink ? await firstSignInPath(server.pools) : null;
  describeStart({ config, logger, port: http.port, adminKey, isKeyShown, location, signInPath });

  async function drain(): Promise<void> {
    server.readiness.set("draining");
    await forget?.();
    // An open stream would otherwise take the whole of the grace.
    server.live.close();
    await http.stop(HTTP_GRACE_MS);
    await server.drain();
    processMetrics.stop();
    await location.close();
  }

  return { port: http.port, drain };
}

/** A link for the terminal while no browser is signed in, else null. */
async function firstSignInPath({ edits }: Pools): Promise<string | null> {
  return await edits.run(async (sql) => ((await hasCookies(sql)) ? null : createSignInLink(sql)));
}

function listen({ app }: Server, { host, port }: Config, logger: Logger): HttpServer {
  const onError = (error: unknown, request_id: string) =>
    logger.error({ err: error, request_id }, "unexpected error");
  return serve(app, { host, port, onError });
}
