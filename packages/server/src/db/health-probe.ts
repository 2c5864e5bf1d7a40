import { checkDbHealth, closeDb, createDb, type DbHealth } from "./postgres.ts";

export type HealthProbe = { check(): Promise<DbHealth>; close(): Promise<void> };

const CONNECT_TIMEOUT_S = 5;

/**
 * Checks the database over a connection of its own, so that a busy pool does not look like a dead database.
 * Checks that come together share one; after a failed one the connection is thrown away, since it may lead into nothing.
 * `problem` is the known reason why the embedded database does not respond.
 */
export function createHealthProbe(
  connectionString: string,
  problem: () => string | null = () => null,
): HealthProbe {
  const open = () =>
    createDb(connectionString, {
      applicationName: "wharf-health",
      max: 1,
      connectTimeoutS: CONNECT_TIMEOUT_S,
    });
  let client = open();
  let underWay: Promise<DbHealth> | null = null;

  async function checkOnce(): Promise<DbHealth> {
    const health = await checkDbHealth(client);
    if (!health.ok) {
      client.end({ timeout: 0 }).catch(() => undefined);
      client = open();
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

  return { check, close: () => closeDb(client) };
}
