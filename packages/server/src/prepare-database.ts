import type { Config } from "./config.ts";
import type { DatabaseLocation } from "./db/embedded.ts";
import { migratePhases } from "./db/phases.ts";
import type { Pools } from "./db/pools.ts";
import { describeConnectionString } from "./db/postgres.ts";
import { waitForDatabase } from "./db/wait-for-database.ts";
import type { Logger } from "./logger.ts";
import type { MigrationCounts } from "./metrics/observe.ts";

export type PrepareOptions = {
  config: Config;
  location: Pick<DatabaseLocation, "url" | "findPooler">;
  logger: Logger;
  /** Ends a wait for the database. */
  stopping: AbortSignal;
};

/** Waits for the database, logs how it is connected to, and migrates it. */
export async function prepareDatabase(
  pools: Pick<Pools, "direct" | "listen">,
  options: PrepareOptions,
): Promise<MigrationCounts> {
  const { config, location, logger, stopping } = options;
  // The database behind a pooler, and the pooler.
  for (const url of new Set([config.databaseDirectUrl ?? location.url, location.url])) {
    await waitForDatabase(url, {
      deadlineMs: config.databaseWaitMs,
      stopping,
      onWait: (waitedMs, reason) => logger.warn({ waited_ms: waitedMs, reason }, "waiting for the database"),
    });
  }
  await logConnectionMode(pools, options);
  const onWait = (waitedMs: number) =>
    logger.info({ waited_ms: waitedMs }, "waiting for another process to finish its migrations");
  const { applied, skipped, unknown } = await migratePhases(await pools.direct(), { onWait });
  // The first start applies all; their names would fill the screen.
  const names = skipped.length === 0 ? {} : { applied };
  if (applied.length > 0) logger.info({ count: applied.length, ...names }, "migrations applied");
  if (unknown.length > 0)
    logger.warn({ unknown }, "the database is newer than this version: serving it nevertheless");
  return { applied: applied.length + skipped.length + unknown.length, unknown: unknown.length };
}

async function logConnectionMode(
  { listen }: Pick<Pools, "listen">,
  { location, logger }: PrepareOptions,
): Promise<void> {
  const { isPooled, foundBy } = await location.findPooler();
  if (foundBy === "embedded") return;
  const notifications = (await listen.sql()) === false ? "polling" : "listen";
  const mode = isPooled ? "through a pooler in transaction mode" : "directly";
  logger.info({ pooler: isPooled, found_by: foundBy, notifications }, `connected to the database ${mode}`);
}

/** Logs parameters of the connection strings that other drivers know, or that would have to be settings. */
export function logIgnoredParameters(config: Config, logger: Logger): void {
  const urls = {
    DATABASE_URL: config.databaseUrl,
    DATABASE_DIRECT_URL: config.databaseDirectUrl,
    READ_DATABASE_URL: config.readDatabaseUrl,
  };
  for (const [variable, url] of Object.entries(urls)) {
    const ignored = url === undefined ? [] : describeConnectionString(url).ignored;
    if (ignored.length > 0)
      logger.warn(
        { variable, ignored },
        "parameters of the connection string have no effect; set Postgres settings with options=-c name=value",
      );
  }
}
