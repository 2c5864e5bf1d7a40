import { describeDatabaseError } from "../db/database-errors.ts";
import { locateDatabase } from "../db/embedded.ts";
import { createHealthProbe } from "../db/health-probe.ts";
import type { DbHealth } from "../db/postgres.ts";
import { loadConfig, resolveFromRoot } from "../environment.ts";
import { runCommandLine } from "./command-line.ts";

const USAGE = `Usage: bun run health

Prints the health of the database as one line of JSON: ok, latency_ms, replication and, on failure, error.
Uses DATABASE_URL, or the existing embedded database; while a server runs, that server's Postgres.
Exit codes: 0 ok; 1 not ok; 2 invalid arguments.
`;

await runCommandLine(USAGE, {}, async function health() {
  const result = await check();
  process.stdout.write(`${JSON.stringify(result)}\n`);
  // The pool of a frozen database would keep us.
  process.exit(result.ok ? 0 : 1);
});

async function check(): Promise<DbHealth> {
  try {
    const config = loadConfig();
    const location = await locateDatabase(config, resolveFromRoot(config.dataDir), "command");
    const probe = createHealthProbe(location.url, {
      isPooled: async () => (await location.findPooler()).isPooled,
    });
    const result = await probe.check();
    // A frozen database would let us wait for the end of the pool, too.
    if (result.ok) await probe.close();
    await location.close();
    return result;
  } catch (error) {
    return { ok: false, latency_ms: 0, error: describeDatabaseError(error) };
  }
}
