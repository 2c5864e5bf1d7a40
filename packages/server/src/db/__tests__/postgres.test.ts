import { describe, expect, test } from "bun:test";
import { createTcpProxy, until, useTestDatabase } from "@wharf/testkit";
import { StorageError } from "../../errors.ts";
import { createHealthProbe } from "../health-probe.ts";
import { checkDbHealth, closeDb, createDb } from "../postgres.ts";

const database = useTestDatabase();
const REFUSED_URL = "postgres://wharf:canary-password@127.0.0.1:1/wharf";

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}

describe("createDb", () => {
  for (const missing of ["", "  ", undefined]) {
    test(`throws without a connection string: ${JSON.stringify(missing)}`, () => {
      const error = thrownBy(() => createDb(missing));
      expect(error).toBeInstanceOf(StorageError);
      expect(error).toMatchObject({
        name: "StorageError",
        code: "STORAGE_DB_URL_MISSING",
        message: "DATABASE_URL environment variable is required.",
      });
    });
  }

  const invalid = [
    "canary-password",
    "wharf:canary-password@localhost/wharf",
    "mysql://wharf:canary-password@localhost/wharf",
    "postgres://wharf:canary-password@localhost:port/wharf",
    "postgres://wharf:canary-password@localhost:99999/wharf",
    "postgres://wharf:canary-password%zz@localhost/wharf",
    "postgres://wharf:canary-password@[::1/wharf",
  ];
  for (const url of invalid) {
    test(`refuses ${url.replace("canary-password", "…")} and tells nothing of it`, () => {
      const error = thrownBy(() => createDb(url));
      expect(error).toMatchObject({ name: "StorageError", code: "STORAGE_DB_URL_INVALID" });
      expect(Bun.inspect(error)).not.toContain("canary-password");
      expect(JSON.stringify(error)).not.toContain("canary-password");
    });
  }

  test("makes a pool of ten with the driver's limits of design, which options change", async () => {
    const pool = createDb(database.url);
    expect(pool.options).toMatchObject({ max: 10, idle_timeout: 20, connect_timeout: 10 });
    const small = createDb(database.url, { max: 2, idleTimeoutS: 300 });
    expect(small.options).toMatchObject({ max: 2, idle_timeout: 300 });
    await Promise.all([closeDb(pool), closeDb(small)]);
  });

  test("gives its name and its statement timeout to the server", async () => {
    const pool = createDb(database.url, { applicationName: "wharf-named" });
    const [row] = await pool`
      SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS timeout`;
    expect({ ...row }).toEqual({ name: "wharf-named", timeout: "10s" });
    await closeDb(pool);
  });
});

describe("checkDbHealth", () => {
  test("is ok, and within 100 ms on a connection that is open", async () => {
    await checkDbHealth(database.sql);
    const latencies: number[] = [];
    for (let i = 0; i < 5; i++) {
      const health = await checkDbHealth(database.sql);
      expect(health).toEqual({
        ok: true,
        latency_ms: expect.any(Number),
        replication: { mode: "none", standbys: 0 },
      });
      latencies.push(health.latency_ms);
    }
    expect(Math.min(...latencies)).toBeLessThan(100);
  });

  test("returns the reason immediately when no server listens", async () => {
    const sql = createDb(REFUSED_URL);
    const health = await checkDbHealth(sql);
    expect(health.ok).toBe(false);
    expect(health.error).toContain("ECONNREFUSED");
    expect(health.error).not.toContain("canary-password");
    expect(health.latency_ms).toBeLessThan(1_000);
    await closeDb(sql);
  });

  test("is not ok when the connection is cut as soon as it is made", async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
    proxy.refuse();
    const sql = createDb(proxy.url(database.url));
    expect(await checkDbHealth(sql)).toMatchObject({
      ok: false,
      error: expect.stringContaining("no connection"),
    });
    await closeDb(sql);
    await proxy.close();
  });
});

describe("a health probe", () => {
  test("shares one query between the checks that come together", async () => {
    const probe = createHealthProbe(database.url);
    const checks = await Promise.all(Array.from({ length: 20 }, probe.check));
    expect(new Set(checks).size).toBe(1);
    expect(checks[0]?.ok).toBe(true);
    const connections = await database.sql`
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'wharf-health'`;
    expect(connections).toHaveLength(1);
    await probe.close();
  });

  test("is ok again as soon as the database is back", async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
    const probe = createHealthProbe(proxy.url(database.url));
    expect((await probe.check()).ok).toBe(true);
    proxy.refuse();
    proxy.cut();
    await until(async () => !(await probe.check()).ok);
    proxy.accept();
    await until(async () => (await probe.check()).ok, { deadlineMs: 2_000 });
    await probe.close();
    await proxy.close();
  });
});
