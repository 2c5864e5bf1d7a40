import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createTcpProxy, type TcpProxy, until } from "@wharf/testkit";
import postgres, { type Sql } from "postgres";
import { anything, fast, silent, useRunners } from "../../__tests__/setup.ts";
import { defineJob, type JobRunnerOptions } from "../../index.ts";
import { listenForHints } from "../postgres/hints.ts";

const { database, started } = useRunners();
/** Longer than a busy database takes for a statement. */
const DEADLINE_MS = 1500;
const job = defineJob({ name: "job", input: anything, backoff: fast, run: () => 1 });
let proxy: TcpProxy;
let sql: Sql;

beforeAll(async () => {
  const { hostname, port } = new URL(database.url);
  proxy = await createTcpProxy({ host: hostname, port: Number(port) });
});

beforeEach(() => {
  sql = postgres(proxy.url(database.url), { max: 3, onnotice: () => undefined });
});

afterEach(async () => {
  proxy.resume();
  await sql.end({ timeout: 0 });
});

afterAll(() => proxy.close());

const STORES: Record<string, () => Partial<JobRunnerOptions>> = {
  "a pool to share": () => ({ sql, listenSql: false }),
  "a pool of its own": () => ({ dsn: proxy.url(database.url) }),
};

for (const [store, options] of Object.entries(STORES)) {
  describe(`unresponsive connections of ${store}`, () => {
    const start = () =>
      started([job], { ...options(), logger: silent, statementDeadlineMs: DEADLINE_MS, handOver: false });

    test("are replaced: the engine claims again after one deadline", async () => {
      const runner = await start();
      await runner.waitFor((await runner.enqueue(job, null)).id);
      proxy.swallow();
      await until(() => runner.stats().claimLateMs > DEADLINE_MS / 2);
      await until(() => runner.stats().claimLateMs === 0);
      await runner.waitFor((await runner.enqueue(job, null)).id, { timeoutMs: 10 * DEADLINE_MS });
      expect(runner.metrics.prometheus()).toMatch(
        /phase6_database_errors_total\{operation="reserve"\} [1-9]/,
      );
    });

    test("do not delay a drain, even if new connections are unresponsive as well", async () => {
      const runner = await start();
      await runner.waitFor((await runner.enqueue(job, null)).id);
      proxy.pause();
      await until(() => runner.stats().claimLateMs > 0);
      const startedAt = performance.now();
      await runner.drain(500);
      expect(performance.now() - startedAt).toBeLessThan(4 * DEADLINE_MS);
      proxy.resume();
    });

    test("are reported as late while the database does not respond, and each timeout is counted", async () => {
      const runner = await start();
      proxy.pause();
      await until(() => runner.stats().claimLateMs > 2 * DEADLINE_MS);
      const [, late] = /phase6_task_claim_late_seconds ([\d.]+)/.exec(runner.metrics.prometheus()) ?? [];
      expect(Number(late)).toBeGreaterThan((2 * DEADLINE_MS) / 1000);
      proxy.resume();
      await until(() => runner.stats().claimLateMs === 0);
    });
  });
}

test("a job keeps its lease and completes if connections are unresponsive for less than the lease", async () => {
  const entered = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const slow = defineJob({
    name: "slow",
    input: anything,
    async run(ctx) {
      runs += 1;
      entered.resolve();
      await gate.promise;
      return ctx.step("after", () => runs);
    },
  });
  const runner = await started([slow], {
    sql,
    listenSql: false,
    leaseMs: 10 * DEADLINE_MS,
    statementDeadlineMs: DEADLINE_MS,
  });
  const { id } = await runner.enqueue(slow, null);
  await entered.promise;
  proxy.swallow();
  gate.resolve();
  const completed = () => database.sql`SELECT output, recoveries FROM jobs_archive WHERE id = ${id}`;
  await until(async () => (await completed()).length > 0);
  expect([...(await completed())]).toEqual([{ output: 1, recoveries: 0 }]);
});

test("an unresponsive listening connection is replaced, and notifications arrive again", async () => {
  const woken: string[] = [];
  const ignore = () => undefined;
  const hints = {
    onRunnable: (queue: string) => woken.push(queue),
    onCancelled: ignore,
    onEvent: ignore,
    onError: ignore,
  };
  const open = () => postgres(proxy.url(database.url), { max: 1 });
  const listening = await listenForHints(open, hints, DEADLINE_MS);
  await database.sql`SELECT pg_notify('job_runner_runnable', 'before')`;
  await until(() => woken.includes("before"));
  proxy.swallow();
  await listening.check();
  await database.sql`SELECT pg_notify('job_runner_runnable', 'after')`;
  await until(() => woken.includes("after"));
  await listening.close();
});
