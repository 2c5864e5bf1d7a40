import { Database } from "bun:sqlite";
import { afterEach, expect, spyOn, test } from "bun:test";
import { createSqliteDriver } from "../sqlite/sqlite.ts";

const prepare = spyOn(Database.prototype, "prepare");
const query = spyOn(Database.prototype, "query");
afterEach(() => {
  prepare.mockClear();
  query.mockClear();
});

const LIVE_STATES = ["ready", "scheduled", "waiting", "running", "dead", "cancelled"] as const;

/** Every statement of the driver with its plan, as SQLite makes it without any statistics. */
async function plans() {
  const driver = createSqliteDriver(":memory:");
  for (const state of LIVE_STATES) await driver.list({ states: [state] }, { limit: 1 });
  await driver.cancelAll({}, "x");
  await driver.requeue({});
  await driver.deadLetters({}, { limit: 1 });
  const statements = [...prepare.mock.calls, ...query.mock.calls].map(([sql]) => sql);
  const db = prepare.mock.contexts[0] as Database;
  const found = statements.filter((sql) => /\bjob/.test(sql)).map((sql) => ({ sql, plan: planOf(db, sql) }));
  await driver.close();
  return found;
}

function planOf(db: Database, sql: string): string {
  const statement = db.prepare<{ detail: string }, null[]>(
    `EXPLAIN QUERY PLAN ${sql.replace(/\$\w+/g, "?")}`,
  );
  const rows = statement.all(...Array.from({ length: statement.paramsCount }, () => null));
  return rows.map(({ detail }) => detail).join("\n");
}

test("no statement scans a table that grows", async () => {
  const found = await plans();
  expect(found.length).toBeGreaterThan(50);
  for (const { sql, plan } of found) {
    const scans = plan.match(/SCAN (jobs|job_(steps|events|logs|schedules|idempotency_keys))\b(?! USING).*/g);
    expect({ sql, scans }).toEqual({ sql, scans: null });
  }
});

test("a claim probes its index for the queue and the priority, and sorts nothing", async () => {
  const claim = (await plans()).find(({ sql }) => /AND priority = \$priority/.test(sql));
  expect(claim?.plan).toContain("jobs_claim (queue=? AND priority=? AND run_at<?)");
  expect(claim?.plan).not.toContain("TEMP B-TREE");
});

test("a claim and a recovery read no keys whose jobs are all parked", async () => {
  const found = await plans();
  const walk = found.find(({ sql }) => sql.includes("WITH RECURSIVE walk"));
  expect(walk?.plan).toContain("jobs_claim_keyed_ready (queue=? AND concurrency_key>?)");
  expect(walk?.plan).not.toMatch(/jobs_claim_keyed\b/);
  const unpark = found.find(({ sql }) => sql.includes("run_at > updated_at AND run_at <= $now"));
  expect(unpark?.plan).toContain("jobs_parked_keyed (run_at<?)");
});

test("a recovery probes the leases", async () => {
  const recovery = (await plans()).find(({ sql }) => /ORDER BY lease_expires_at/.test(sql));
  expect(recovery?.plan).toContain("jobs_lease (lease_expires_at<?)");
});
