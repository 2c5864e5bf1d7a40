import { describeDatabaseError } from "../db/database-errors.ts";
import { locateDatabase } from "../db/embedded.ts";
import { checkDbHealth, closeDb, createDb, type DbHealth } from "../db/postgres.ts";
import { loadConfig, resolveFromRoot } from "../environment.ts";

const health = await check();
process.stdout.write(`${JSON.stringify(health)}\n`);
process.exit(health.ok ? 0 : 1);

async function check(): Promise<DbHealth> {
  try {
    const config = loadConfig();
    const location = await locateDatabase(config, resolveFromRoot(config.dataDir), "command");
    const sql = createDb(location.url, { applicationName: "wharf-health", max: 1 });
    const result = await checkDbHealth(sql);
    // A frozen database would let us wait for the end of the pool, too.
    if (result.ok) await closeDb(sql);
    await location.close();
    return result;
  } catch (error) {
    return { ok: false, latency_ms: 0, error: describeDatabaseError(error) };
  }
}
