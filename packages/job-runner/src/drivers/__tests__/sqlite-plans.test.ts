import { Database } from "bun:sqlite";
import { afterEach, expect, spyOn, test } from "bun:test";
import { createSqliteDriver } from "../sqlite.ts";

const prepare = spyOn(Database.prototype, "prepare");
afterEach(() => prepare.mockClear());

/** Every statement of the driver with its plan, as SQLite makes it without any statistics. */
async function plans() {
  const driver = createSqliteDriver(":memory:");
  const statements = prepare.mock.calls.map(([sql]) => sql).filter((sql) => /\bjob/.test(sql));
  const db = prepare.mock.contexts[0] as Database;
  const found = statements.map((sql) => {
    const rows = db.query<{ detail: string }, null[]>(`EXPLAIN QUERY PLAN ${sql.replace(/\$\w+/g, "?")}`);
    const plan = rows.all(...Array.from({ length: rows.paramsCount }, () => null));
    return { sql, plan: plan.map(({ detail }) => detail).join("\n") };
  });
  await driver.close();
  return found;
}

test("no statement scans a table", async () => {
  const found = await plans();
  expect(found.length).toBeGreaterThan(15);
  for (const { sql, plan } of found) {
    expect({ sql, scans: plan.match(/SCAN job\w*(?! USING)\b.*/g) }).toEqual({ sql, scans: null });
  }
});

test("a claim probes its index for the queue and the priority, and sorts nothing", async () => {
  const claim = (await plans()).find(({ sql }) => /priority = \$priority/.test(sql));
  expect(claim?.plan).toContain("jobs_claim (queue=? AND priority=? AND run_at<?)");
  expect(claim?.plan).not.toContain("TEMP B-TREE");
});

test("a recovery probes the leases", async () => {
  const recovery = (await plans()).find(({ sql }) => /ORDER BY lease_expires_at/.test(sql));
  expect(recovery?.plan).toContain("jobs_lease (lease_expires_at<?)");
});
