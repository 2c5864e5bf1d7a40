import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { migratePhases } from "../../db/phases.ts";
import { seededRandom } from "../seeded-random.ts";
import { startLedger } from "./ledger.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const DAY_MS = 24 * 60 * 60_000;
const PRELOAD = `--preload=${join(import.meta.dir, "shift-clock.ts")}`;
const BATCHES = 30;
const JOBS = 20;
const servers: ServerProcess[] = [];

afterEach(async () => {
  for (const { program } of servers.splice(0)) {
    program.kill("SIGKILL");
    await program.exited;
  }
});

async function launch(off_ms: number): Promise<string> {
  const clock = { BUN_OPTIONS: PRELOAD, CLOCK_OFF_MS: `${off_ms}` };
  const server = await startServer({ DATABASE_URL: database.url, ...clock });
  servers.push(server);
  const [, time = ""] = /"time":"([^"]+)"/.exec(server.program.stdout) ?? [];
  expect(Math.abs(Date.parse(time) - Date.now() - off_ms)).toBeLessThan(DAY_MS / 24);
  return server.url;
}

test("servers whose clocks are a day ahead and a day behind store events and run jobs by the database's clock", async () => {
  const ledger = startLedger([await launch(DAY_MS), await launch(-DAY_MS)], seededRandom());
  await until(() => ledger.batches >= BATCHES && ledger.jobs.length >= JOBS);
  await ledger.stop();
  expect(ledger.failures).toBe(0);
  const events = await database.sql<{ id: string; is_now: boolean }[]>`
    SELECT id, ingested_at BETWEEN now() - interval '1 hour' AND now() AS is_now FROM events`;
  expect(events.map(({ id }) => id).toSorted()).toEqual(ledger.acknowledged.toSorted());
  expect(events.filter(({ is_now }) => !is_now)).toEqual([]);

  const archived = () => database.sql`
    SELECT attempts, recoveries, completed_at BETWEEN now() - interval '1 hour' AND now() AS is_now
    FROM jobs_archive WHERE id = ANY (${[...ledger.jobs]}::bigint[])`;
  await until(async () => (await archived()).length === ledger.jobs.length);
  for (const job of await archived()) expect(job).toEqual({ attempts: 0, recoveries: 0, is_now: true });
});
