import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { hasPgBouncer, startPgBouncer, TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import postgres from "postgres";
import { seededRandom } from "../seeded-random.ts";
import { type Ledger, startLedger } from "./ledger.ts";
import { startReplicatedPostgres } from "./own-postgres.ts";
import { expectTotalsEqualRecount } from "./recount.ts";
import { type ServerProcess, spawnServer, startServer } from "./server-process.ts";

setDefaultTimeout(4 * TEST_TIMEOUT_MS);

/** Half a second on a machine that has nothing else to do: a line of its output has the figure. */
const GAP_MAX_MS = 10_000;
const BATCHES = 30;
const IN_GOOD_TIME = { deadlineMs: 60_000 };
/** The lease of a killed worker that may have been repairing, the job of each minute, and the lease of what it had taken. */
const REPAIR_MAX_MS = 120_000;
/** Takes a minute: `bun run test:faults` runs it, `bun run check` does not. */
const isWanted = process.env["WHARF_FAULTS"] === "1" && hasPgBouncer;
const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

test.if(isWanted)(
  "three servers behind PgBouncer, with a server, a worker and the primary killed, lose and double nothing",
  async () => {
    const cluster = await startReplicatedPostgres({ synchronous: true });
    cleanUp.push(cluster.remove);
    const { primary, standby } = cluster;
    const pooler = await startPgBouncer(primary.url, { server_login_retry: "0.1" });
    cleanUp.push(pooler.close);
    const environment = {
      DATABASE_URL: pooler.url(primary.url),
      DATABASE_DIRECT_URL: cluster.url(primary, standby, "?target_session_attrs=primary"),
    };
    const first = await startServer(environment);
    const servers = [first, await startServer(environment), await startServer(environment)];
    const worker = spawnServer({ ...environment, WHARF_ROLE: "worker" });
    cleanUp.push(() => {
      for (const { program } of servers) program.kill("SIGKILL");
      worker.kill("SIGKILL");
    });
    await worker.waitForOutput(/"msg":"ready"/);

    const urls = servers.map(({ url }) => url);
    const ledger = startLedger(urls, seededRandom());
    await progress(ledger);
    await kill(first);
    await progress(ledger);
    worker.kill("SIGKILL");
    expect(await worker.exited).toBe(137);
    await progress(ledger);
    const failuresBefore = ledger.failures;
    const lostAt_ms = performance.now();
    await cluster.failOver();
    await pooler.pointTo(standby.url);
    const promotion_ms = Math.round(performance.now() - lostAt_ms);
    await progress(ledger);
    expect(ledger.failures).toBeGreaterThan(failuresBefore);
    await ledger.stop();
    const figures = {
      events: ledger.acknowledged.length,
      jobs: ledger.jobs.length,
      gap_ms: Math.round(ledger.longestGapMs),
      promotion_ms,
    };
    process.stdout.write(`${JSON.stringify(figures)}\n`);

    const sql = postgres(standby.url, { max: 1 });
    cleanUp.push(() => sql.end({ timeout: 0 }));
    const stored = (await sql<{ id: string }[]>`SELECT id FROM events`).map(({ id }) => id);
    expect(stored.toSorted()).toEqual(ledger.acknowledged.toSorted());
    expect(new Set(ledger.jobs).size).toBe(ledger.jobs.length);
    const isDone = async () => {
      const done = await sql`SELECT FROM jobs_archive WHERE id = ANY (${[...ledger.jobs]}::bigint[])`;
      return done.length === ledger.jobs.length;
    };
    await until(isDone, { ...IN_GOOD_TIME, describe: "every acknowledged job is completed once" });
    const left = () => sql`SELECT id, attempts, last_error, next_retry_at FROM projection_queue`;
    await until(async () => (await left()).length === 0, {
      deadlineMs: REPAIR_MAX_MS,
      describe: async () => `all events to be projected: ${JSON.stringify(await left())}`,
    });
    await expectTotalsEqualRecount(sql);
    expect(ledger.longestGapMs).toBeLessThan(GAP_MAX_MS);
  },
);

async function progress(ledger: Ledger): Promise<void> {
  const before = ledger.batches;
  await until(() => ledger.batches >= before + BATCHES, IN_GOOD_TIME);
}

async function kill({ program }: ServerProcess): Promise<void> {
  program.kill("SIGKILL");
  expect(await program.exited).toBe(137);
}
