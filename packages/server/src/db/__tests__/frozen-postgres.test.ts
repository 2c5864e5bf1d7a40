import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@wharf/embedded-postgres";
import { spawnProgram, TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import { createHealthProbe } from "../health-probe.ts";
import { checkDbHealth, closeDb, createDb, HEALTH_TIMEOUT_MS, type Sql } from "../postgres.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const ROOT = join(import.meta.dir, "../../../../..");
/** Beyond the timeout: what a busy machine may take to notice it. */
const SLACK_MS = 1_500;

let folder = "";
let postgres: EmbeddedPostgres;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-frozen-"));
  postgres = await startEmbeddedPostgres({ dataDir: folder, settings: { fsync: "off" } });
});

afterAll(async () => {
  await postgres.stop();
  for (const dir of [folder, postgres.dataDir]) await rm(dir, { recursive: true, force: true });
});

async function clientBackends(sql: Sql): Promise<number[]> {
  const rows = await sql<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'`;
  return rows.map(({ pid }) => pid);
}

async function timed<T>(action: () => Promise<T>): Promise<{ value: T; elapsedMs: number }> {
  const startedAt = performance.now();
  const value = await action();
  return { value, elapsedMs: performance.now() - startedAt };
}

function spawnHealth() {
  return spawnProgram({
    command: [process.execPath, "run", "health"],
    cwd: ROOT,
    env: { ...process.env, DATABASE_URL: postgres.url },
  });
}

describe("while Postgres is frozen", () => {
  test("each check answers not ok within five seconds, and is ok again when it thaws", async () => {
    const connected = createDb(postgres.url, { max: 1 });
    const probe = createHealthProbe(postgres.url);
    expect((await probe.check()).ok).toBe(true);
    const backends = await clientBackends(connected);
    const frozen = [postgres.pid, ...backends];
    expect(backends).toHaveLength(2);
    const fresh = createDb(postgres.url, { max: 1 });
    for (const pid of frozen) process.kill(pid, "SIGSTOP");
    try {
      const program = spawnHealth();
      const checks = await Promise.all([
        timed(() => checkDbHealth(connected)),
        timed(() => checkDbHealth(fresh)),
        timed(() => probe.check()),
      ]);
      for (const { value, elapsedMs } of checks) {
        expect(value).toMatchObject({ ok: false, error: expect.stringContaining("5000 ms") });
        expect(elapsedMs).toBeLessThan(HEALTH_TIMEOUT_MS + SLACK_MS);
      }
      expect(await program.exited).toBe(1);
      expect(JSON.parse(program.stdout)).toMatchObject({ ok: false });
    } finally {
      for (const pid of frozen) process.kill(pid, "SIGCONT");
    }
    await until(async () => (await probe.check()).ok);
    await until(async () => (await checkDbHealth(connected)).ok);
    await Promise.all([connected, fresh].map(closeDb));
    await probe.close();
  });
});

describe("after Postgres was stopped", () => {
  test("each check answers not ok at once, and tells nothing of the password", async () => {
    const sql = createDb(postgres.url);
    expect((await checkDbHealth(sql)).ok).toBe(true);
    await postgres.stop();
    const { value, elapsedMs } = await timed(() => checkDbHealth(sql));
    expect(value.ok).toBe(false);
    expect(elapsedMs).toBeLessThan(HEALTH_TIMEOUT_MS);
    const program = spawnHealth();
    expect(await program.exited).toBe(1);
    expect(JSON.parse(program.stdout).error).toContain("is Postgres running");
    expect(program.stdout + program.stderr).not.toContain(new URL(postgres.url).password);
    await closeDb(sql);
  });
});
