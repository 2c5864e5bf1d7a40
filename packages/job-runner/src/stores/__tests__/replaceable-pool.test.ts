import { describe, expect, test } from "bun:test";
import { until, useTestDatabase } from "@wharf/testkit";
import postgres from "postgres";
import { createReplaceablePool } from "../postgres/replaceable-pool.ts";

const database = useTestDatabase();
const ROUNDS = 4;
const CALLERS = 4;
const DEADLINE_MS = 2000;

describe("a pool that is replaced", () => {
  test("settles every query sent in the same turn as a lost connection", async () => {
    let timeouts = 0;
    let refused = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { pool, name } = openPool();
      let isStopped = false;
      let answered = 0;
      const callers = Array.from({ length: CALLERS }, async () => {
        while (!isStopped) {
          await pool
            .run((sql) => sql`SELECT pg_sleep(0.003)`)
            .then(
              () => (answered += 1),
              (error: Error) => {
                if (error.message === "late") timeouts += 1;
                else refused += 1;
              },
            );
        }
      });
      await until(() => answered > 2 * CALLERS);
      await database.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ${name}`;
      const before = answered;
      await until(() => answered > before + 2 * CALLERS);
      isStopped = true;
      await Promise.all(callers);
      const startedAt = performance.now();
      await pool.close();
      expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS / 2);
    }
    expect(timeouts).toBe(0);
    expect(refused).toBeGreaterThan(0);
  });

  test("throws its own error at the deadline, and serves the next query over a new connection", async () => {
    const { pool } = openPool(1000);
    await pool.run((sql) => sql`SELECT 1`);
    await expect(pool.run((sql) => sql`SELECT pg_sleep(30)`)).rejects.toThrow("late");
    const rows = await pool.run((sql) => sql<{ one: number }[]>`SELECT 1 AS one`);
    expect(rows[0]?.one).toBe(1);
    await pool.close();
  });

  test("never closes the caller's pool, and uses it again after its own close", async () => {
    const shared = postgres(database.url, { max: 1 });
    const options = { shared, deadlineMs: 500, timeout: () => new Error("late"), closeTimeoutS: 0 };
    const pool = createReplaceablePool({ ...options, open: () => postgres(database.url, { max: 1 }) });
    await expect(pool.run((sql) => sql`SELECT pg_sleep(1)`)).rejects.toThrow("late");
    await pool.run(async (sql) => expect(sql).not.toBe(shared));
    await pool.close();
    await pool.run(async (sql) => expect(sql).toBe(shared));
    expect(await shared`SELECT 1`).toHaveLength(1);
    await shared.end();
  });
});

function openPool(deadlineMs = DEADLINE_MS) {
  const name = `lost-${crypto.randomUUID().slice(0, 8)}`;
  const open = () =>
    postgres(database.url, { max: 1, backoff: () => 0.02, connection: { application_name: name } });
  const timeout = () => new Error("late");
  return { name, pool: createReplaceablePool({ open, deadlineMs, timeout, closeTimeoutS: 3 }) };
}
