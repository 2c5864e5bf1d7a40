import { describe, expect, test } from "bun:test";
import { createTestDatabase, until } from "@wharf/testkit";
import { pino } from "pino";
import { createDatabaseErrorLog } from "../engine/database-error-log.ts";
import { JobRun } from "../engine/job-run.ts";
import { createLongRuns } from "../engine/long-runs.ts";
import { createMetrics } from "../engine/metrics.ts";
import { settingsOf } from "../engine/settings.ts";
import { createSnapshotWatch } from "../engine/snapshot-watch.ts";
import { defineJob, type SnapshotHolder } from "../index.ts";
import { createMemoryDriver } from "../stores/memory/memory.ts";
import { createPostgresDriver } from "../stores/postgres/postgres.ts";
import { anything, ended, useRunners } from "./setup.ts";

const { database, runnerOf, started } = useRunners();
const NO_GAUGES = {
  running: 0,
  stuck: 0,
  unwritten: 0,
  claimLateMs: 0,
  snapshotHolders: 0,
  oldestSnapshotMs: 0,
};

/** A logger, and the lines it wrote. */
function recordingLogger() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { level: "warn", base: null },
    { write: (text: string) => void lines.push(JSON.parse(text)) },
  );
  return { logger, lines };
}

describe("a job that runs for too long", () => {
  const slow = defineJob({
    name: "slow",
    input: anything,
    expectedRunMs: 1,
    run: (ctx) =>
      new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
  });

  test("is shown by every process, with its worker and the time it should take", async () => {
    const worker = await started([slow], { workerId: "worker-7" });
    const { id } = await worker.enqueue(slow, null);
    await ended(worker, id, "running");
    await until(() => worker.stats().stuck === 1);
    const [run] = await runnerOf([slow]).longRuns(10);
    expect(run).toMatchObject({
      job: { id, type: "slow", lockedBy: "worker-7" },
      expectedRunMs: 1,
      isStuck: true,
    });
    expect(run?.runningMs).toBeGreaterThan(0);
    const [unknown] = await runnerOf([]).longRuns(10);
    expect(unknown).toMatchObject({ expectedRunMs: null, isStuck: false });
  });

  test("is logged once, and not before the configured multiple of its time", () => {
    const { logger, lines } = recordingLogger();
    const hourly = defineJob({ name: "hourly", input: anything, expectedRunMs: 3_600_000, run: () => null });
    const options = {
      driver: createMemoryDriver(),
      jobs: [slow, hourly],
      logger,
      workerId: "worker-7",
      stuckFactor: 3,
    };
    const run = (type: string, ms: number) => {
      const job = { type, jobId: "12", attempts: 0, token: "", queue: "default", payload: null };
      const rest = { maxAttempts: 1, recoveries: 0, timeoutMs: null, concurrencyKey: null, waitedMs: 0 };
      const held = new JobRun({ ...job, ...rest }, 0, 1000);
      held.startedAtMs = performance.now() - ms;
      return held;
    };
    const runs = [run("slow", 4), run("slow", 2), run("hourly", 3_600_000)];
    const longRuns = createLongRuns(settingsOf(options), () => runs.slice(0, 1).concat(runs.slice(2)));
    longRuns.report();
    longRuns.report();
    expect(lines).toMatchObject([
      {
        job_id: "12",
        job_type: "slow",
        worker_id: "worker-7",
        expected_run_ms: 1,
        started_at: expect.any(String),
      },
    ]);
  });
});

describe("an old snapshot", () => {
  test("is found with its connection, and forgotten when it ends", async () => {
    const driver = createPostgresDriver({ sql: database.sql });
    const find = async () =>
      (await driver.snapshotHolders?.(0))?.filter(({ application }) => application === "forgotten") ?? [];
    const other = await database.sql.reserve();
    await other`SET application_name = 'forgotten'`;
    await other`BEGIN ISOLATION LEVEL REPEATABLE READ`;
    await other`SELECT 1 FROM jobs`;
    const [holder] = await find();
    expect(holder).toMatchObject({
      kind: "backend",
      application: "forgotten",
      ageTransactions: expect.any(Number),
    });
    expect(holder?.ageMs).toBeGreaterThan(0);
    expect((await driver.snapshotHolders?.(3_600_000)) ?? []).toEqual([]);
    await other`ROLLBACK`;
    expect(await find()).toEqual([]);
    await other`RESET application_name`;
    other.release();
  });

  test("of another database is ignored", async () => {
    const neighbour = await createTestDatabase();
    const other = await neighbour.sql.reserve();
    await other`SET application_name = 'neighbour'`;
    await other`BEGIN ISOLATION LEVEL REPEATABLE READ`;
    await other`SELECT 1`;
    const holders = await createPostgresDriver({ sql: database.sql }).snapshotHolders?.(0);
    expect(holders?.filter(({ application }) => application === "neighbour")).toEqual([]);
    await other`ROLLBACK`;
    other.release();
    await neighbour.drop();
  });

  test("is logged once while it exists, and measured", async () => {
    const holder: SnapshotHolder = {
      kind: "backend",
      name: "42",
      application: "psql",
      ageMs: 400_000,
      ageTransactions: 9,
    };
    let holders = [holder];
    const { logger, lines } = recordingLogger();
    const watch = createSnapshotWatch(
      { ...createMemoryDriver(), snapshotHolders: async () => holders },
      logger,
    );
    await watch.look();
    await watch.look();
    expect(lines).toMatchObject([{ kind: "backend", name: "42", application: "psql", age_ms: 400_000 }]);
    expect(watch.state()).toEqual({ holders: 1, oldestMs: 400_000 });
    holders = [];
    await watch.look();
    expect(watch.state()).toEqual({ holders: 0, oldestMs: 0 });
    holders = [holder];
    await watch.look();
    expect(lines).toHaveLength(2);
  });

  test("is not searched in a store without snapshots", async () => {
    const { logger, lines } = recordingLogger();
    await createSnapshotWatch(createMemoryDriver(), logger).look();
    expect(lines).toEqual([]);
  });

  test("has gauges that stand at 0 from the first scrape", async () => {
    const text = runnerOf([]).metrics.prometheus();
    expect(text).toContain("\nphase6_snapshot_holders 0\n");
    expect(text).toContain("\nphase6_oldest_snapshot_seconds 0\n");
  });
});

describe("database errors", () => {
  test("are logged first, then summarized every 30 s per operation, and all counted", () => {
    let nowMs = 0;
    const { logger, lines } = recordingLogger();
    const metrics = createMetrics(() => NO_GAUGES);
    const onDatabaseError = createDatabaseErrorLog(logger, metrics, () => nowMs);
    const refused = Object.assign(new Error("connect to 10.0.0.7 with secret"), { code: "ECONNREFUSED" });
    for (let attempt = 0; attempt < 60; attempt += 1) {
      onDatabaseError("reserve", refused);
      nowMs += 1000;
    }
    onDatabaseError("ack", refused);
    expect(lines.map(({ operation, errors, reason }) => ({ operation, errors, reason }))).toEqual([
      { operation: "reserve", errors: 1, reason: "ECONNREFUSED" },
      { operation: "reserve", errors: 30, reason: "ECONNREFUSED" },
      { operation: "ack", errors: 1, reason: "ECONNREFUSED" },
    ]);
    expect(JSON.stringify(lines)).not.toContain("secret");
    expect(metrics.prometheus()).toContain('phase6_database_errors_total{operation="reserve"} 60\n');
  });
});
