import type { Database } from "./database.ts";
import { checkDbHealth, checkDbHealthOver, closeDb, createDb, type DbHealth, type Sql } from "./postgres.ts";

export type HealthProbeOptions = {
  /** Why the embedded database does not respond, if it is known. */
  problem?: (() => string | null) | undefined;
  isPooled?: () => Promise<boolean>;
  /** Asked instead, where the process has too few connections for one of the probe. */
  over?: Database | undefined;
  /** Asked where Postgres has no connection left for the probe: the process is as ready as the connections that it has. */
  whenRefused?: Database;
};

export type HealthProbe = { check(): Promise<DbHealth>; close(): Promise<void> };

const CONNECT_TIMEOUT_S = 5;

/**
 * Checks the database over a connection of its own, so that a busy pool does not look like a dead database.
 * Checks that come together share one; after a failed one the connection is thrown away, since it may lead into nothing.
 */
export function createHealthProbe(
  connectionString: string,
  { problem = () => null, isPooled = async () => false, over, whenRefused }: HealthProbeOptions = {},
): HealthProbe {
  let client: Sql | null = null;
  let underWay: Promise<DbHealth> | null = null;

  async function open(): Promise<Sql> {
    client ??= createDb(connectionString, {
      applicationName: "wharf-health",
      max: 1,
      connectTimeoutS: CONNECT_TIMEOUT_S,
      isPooled: await isPooled(),
    });
    return client;
  }

  async function checkOnce(): Promise<DbHealth> {
    const health = await (over === undefined ? checkDbHealth(open(), whenRefused) : checkDbHealthOver(over));
    if (!health.ok) {
      client?.end({ timeout: 0 }).catch(() => undefined);
      client = null;
    }
    const error = health.ok ? null : problem();
    return error === null ? health : { ...health, error };
  }

  function check(): Promise<DbHealth> {
    underWay ??= checkOnce().finally(() => {
      underWay = null;
    });
    return underWay;
  }

  return { check, close: async () => (client === null ? undefined : closeDb(client)) };
}
