import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { clearRows, findLockWaits, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import postgres from "postgres";
import { errorCode } from "../../database-errors.ts";
import { migratePhases } from "../../phases.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const opened: postgres.Sql[] = [];
const DEVICES = ["a", "b", "c", "d"];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((sql) => sql.end({ timeout: 0 })));
  await clearRows(database.sql);
});

function connect(): postgres.Sql {
  const sql = postgres(database.url, { max: 1 });
  opened.push(sql);
  return sql;
}

async function createParents(): Promise<void> {
  await database.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'w', 'w')`;
  await database.sql`INSERT INTO devices (id, name, type) SELECT unnest(${DEVICES}::text[]), 'n', 'local'`;
}

async function insert(sql: postgres.Sql, id: string, device: string, hour: number): Promise<void> {
  await sql`INSERT INTO sessions (id, workspace_id, device_id, started_at)
    VALUES (${id}, 'w', ${device}, timestamptz '2026-01-01 00:00Z' + make_interval(hours => ${hour}))`;
}

/** Until so many backends wait for a lock. */
async function untilWaiting(count: number): Promise<void> {
  await until(async () => (await findLockWaits(database.sql)).length >= count, {
    describe: `${count} backends to wait for a lock`,
  });
}

const kept = () => database.sql`
  SELECT parent, id, session_count::int AS sessions, last_session_at AS last FROM parent_totals
  WHERE session_count > 0 ORDER BY 1, 2`;
const counted = () => database.sql`
  SELECT * FROM (
    SELECT 'device' AS parent, device_id AS id, count(*)::int AS sessions, max(started_at) AS last FROM sessions GROUP BY 2
    UNION ALL SELECT 'workspace', workspace_id, count(*)::int, max(started_at) FROM sessions GROUP BY 2
  ) counts ORDER BY 1, 2`;

test("a deletion that looks up the latest start again waits for sessions that are being added, and finds them", async () => {
  await createParents();
  await insert(database.sql, "early", "b", 5);
  await insert(database.sql, "late", "b", 10);
  const [one, deleting] = [connect(), connect()];
  await one.unsafe("BEGIN");
  await insert(one, "of-one", "a", 7);
  const deletion = deleting`DELETE FROM sessions WHERE id = 'late'`.execute();
  await untilWaiting(1);
  await one.unsafe("COMMIT");
  await deletion;
  expect([...(await kept())]).toEqual([...(await counted())]);
});

test("connections that move starts back, add and delete at the same time never deadlock, and every sum is exact", async () => {
  await createParents();
  const failures: unknown[] = [];
  const change = async (device: string, sql: postgres.Sql) => {
    for (let round = 0; round < 60; round++) {
      const id = `${device}-${round}`;
      await insert(sql, id, device, 100 + round);
      if (round % 5 === 0)
        await sql`UPDATE sessions SET device_id = ${DEVICES[round % DEVICES.length] ?? ""} WHERE id = ${id}`;
      await sql`UPDATE sessions SET started_at = started_at - interval '1 minute' WHERE id = ${id}`;
      if (round % 3 === 0) await sql`DELETE FROM sessions WHERE id = ${id}`;
    }
  };
  const changes = DEVICES.map((device) =>
    change(device, connect()).catch((error: unknown) => failures.push(errorCode(error))),
  );
  await Promise.all(changes);
  expect(failures).toEqual([]);
  expect([...(await kept())]).toEqual([...(await counted())]);
});
