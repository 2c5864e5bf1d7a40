import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS } from "@wharf/testkit";
import { event, gitCommit, ingest, sessionStart } from "../../__tests__/events.ts";
import { seededRandom } from "../../__tests__/seeded-random.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { type Database, openDatabase } from "../../db/database.ts";
import { createDeleteInPieces } from "../../db/delete-in-pieces.ts";
import { transaction } from "../../db/transaction.ts";
import { addResponses } from "../../db/usage/__tests__/add-responses.ts";
import { expectEventCountsEqualRecount } from "../../db/usage/__tests__/recount-event-slots.ts";
import { addEventCounts, recountEvents } from "../../db/usage/event-slots.ts";
import { applyRetention } from "../../jobs/apply-retention.ts";
import { countEvents } from "../../jobs/count-events.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const server = setupApp();
let pool: Database;

beforeAll(() => {
  pool = openDatabase(server.url, { deadlineMs: 10_000, max: 2 });
});
afterAll(() => pool.close());

const { signal } = new AbortController();

const stats = async (query: Record<string, string>) => {
  const { status, body } = await server.request("GET", `/api/stats?${new URLSearchParams(query)}`);
  expect([status, body.detail]).toEqual([200, undefined]);
  return body.buckets as Record<string, number | string>[];
};

test("count each day of the time zone, also days of 25 hours and days without anything", async () => {
  const desk = { device_id: "desk", workspace_id: "github.com/acme/api" };
  await ingest(server, [
    sessionStart("one", { timestamp: "2026-10-24T22:30:00Z" }),
    event({ timestamp: "2026-10-25T22:59:59Z", session_id: "one" }),
    event({ timestamp: "2026-10-25T23:00:00Z", ...desk }),
    gitCommit({ timestamp: "2026-10-25T01:30:00Z" }),
  ]);
  await addResponses(server.sql, [{ key: "a", at: "2026-10-25T22:00:00Z" }]);
  const range = { tz: "Europe/Berlin", from: "2026-10-24", to: "2026-10-27" };
  const days = await stats(range);
  expect(days.map(({ start, events, sessions, commits }) => [start, events, sessions, commits])).toEqual([
    ["2026-10-23T22:00:00.000000Z", 0, 0, 0],
    ["2026-10-24T22:00:00.000000Z", 3, 1, 1],
    ["2026-10-25T23:00:00.000000Z", 1, 0, 0],
  ]);
  const { body: usage } = await server.request(
    "GET",
    `/api/usage?${new URLSearchParams({ group: "day", ...range })}`,
  );
  const { tokens_in, cost_usd } = usage.rows[0];
  expect(days[1]).toMatchObject({ tokens_in, cost_usd: cost_usd ?? 0 });
  const eventsOf = async (filters: Record<string, string>) =>
    (await stats({ ...range, ...filters })).map(({ events }) => events);
  expect(await eventsOf({ device_id: "desk" })).toEqual([0, 0, 1]);
  expect(await eventsOf({ workspace_id: "github.com/acme/site" })).toEqual([0, 3, 0]);
  expect(await eventsOf({ workspace_id: "github.com/acme/site", device_id: "desk" })).toEqual([0, 0, 0]);
  const hours = await stats({ ...range, bucket: "hour", from: "2026-10-25", to: "2026-10-26" });
  expect(hours).toHaveLength(25);
  expect(hours.filter(({ events }) => events !== 0).map(({ start }) => start)).toEqual([
    "2026-10-24T22:00:00.000000Z",
    "2026-10-25T01:00:00.000000Z",
    "2026-10-25T22:00:00.000000Z",
  ]);
});

test("have 30 days by default, and refuse a range that is empty or too long", async () => {
  expect((await stats({})).length).toBeWithin(30, 32);
  for (const query of [
    "from=2026-01-02&to=2026-01-01",
    "bucket=hour&from=2026-01-01&to=2026-03-01",
    "bucket=week",
    "tz=Nowhere",
  ]) {
    expect((await server.request("GET", `/api/stats?${query}`)).status).toBe(400);
  }
});

/** Events of one quarter of an hour in each of the two days before `to`, in the table as the version before left them, not counted. */
async function addUncounted(count: number): Promise<void> {
  const { sql } = server;
  await sql`INSERT INTO workspaces (id, canonical_id, display_name) SELECT 'w' || n, 'w' || n, 'w' FROM generate_series(0, 2) n`;
  await sql`INSERT INTO devices (id, name, type) SELECT 'd' || n, 'd', 'local' FROM generate_series(0, 1) n`;
  await sql`
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, data)
    SELECT 'old-' || n, 'test.happened', timestamptz '2026-10-20 00:00Z' + n * interval '7 minutes', 'd' || n % 2, 'w' || n % 3, '{}'
    FROM generate_series(0, ${count - 1}) n`;
  await sql`DELETE FROM event_slot_changes`;
  await sql`INSERT INTO event_recounts (device_id) SELECT id FROM devices`;
}

const isRecounted = async () => (await server.sql`SELECT FROM event_recounts`).length === 0;

test("events of before are counted in pieces, while others are stored and deleted; until then plots count them in the table", async () => {
  await addUncounted(300);
  const range = { from: "2026-10-20", to: "2026-10-22" };
  const filters = [{}, { device_id: "d1" }, { workspace_id: "w1" }, { workspace_id: "w1", device_id: "d1" }];
  const plots = () =>
    Promise.all(
      filters.map(async (filter) => (await stats({ ...range, ...filter })).map(({ events }) => events)),
    );
  const counted = [
    [206, 94],
    [103, 47],
    [69, 31],
    [35, 15],
  ];
  expect(await plots()).toEqual(counted);

  const stopped = new AbortController();
  const piecewise: Database = {
    ...pool,
    run: async (query) => {
      const answer = await pool.run(query);
      if (stopped.signal.aborted) return answer;
      // Between two pieces, of devices that are counted already, and of those that are not.
      await server.sql`DELETE FROM events WHERE id IN ('old-4', 'old-5', 'old-290', 'old-291')`;
      await ingest(server, [event({ timestamp: "2026-10-20T08:00:00Z", device_id: "d0" })]);
      stopped.abort();
      return answer;
    },
  };
  await countEvents(piecewise, stopped.signal, 10);
  expect(await isRecounted()).toBe(false);
  await countEvents(pool, signal, 10);
  expect(await isRecounted()).toBe(true);
  await expectEventCountsEqualRecount(server.sql);
  expect((await plots())[0]).toEqual([205, 92]);
});

test("counts equal a recount after events, late ones and repeats, deletions, retention and moves of sessions, in any order", async () => {
  const random = seededRandom();
  const { sql } = server;
  const upTo = (count: number) => Math.floor(random() * count);
  const sessions = Array.from({ length: 6 }, (_, n) => `session-${n}`);
  const known: ReturnType<typeof event>[] = [];
  const batch = () =>
    Array.from({ length: 1 + upTo(12) }, () => {
      const session = upTo(sessions.length);
      const ageMs = random() < 0.2 ? random() * 60 * 86_400_000 : random() * 3_600_000;
      return event({
        timestamp: new Date(Date.now() - ageMs).toISOString(),
        device_id: `device-${session % 3}`,
        workspace_id: `github.com/acme/${upTo(3)}`,
        session_id: random() < 0.7 ? (sessions[session] ?? null) : null,
      });
    });
  const actions: (() => Promise<unknown>)[] = [
    async () => {
      const events = [...batch(), ...known.slice(upTo(known.length)).slice(0, 3)];
      known.push(...events);
      await server.request("POST", "/api/events", { events });
    },
    () => server.request("DELETE", `/api/sessions/${sessions[upTo(sessions.length)]}`),
    // A session that moves to another workspace leaves its events where they happened.
    () =>
      sql`UPDATE sessions SET workspace_id = (SELECT max(id) FROM workspaces) WHERE id = ${sessions[upTo(6)] ?? ""}`,
    async () => {
      await sql`INSERT INTO workspace_retention (workspace_id, events_days) SELECT min(id), ${20 + upTo(20)} FROM workspaces HAVING count(*) > 0
        ON CONFLICT (workspace_id) DO UPDATE SET events_days = excluded.events_days`;
      await sql`UPDATE events SET ingested_at = now() - interval '1 day'`;
      await applyRetention({ database: pool, deleteInPieces: createDeleteInPieces(pool) }, signal);
    },
    () => pool.run((one) => transaction(one, ({ query }) => addEventCounts(query, 1 + upTo(5)))),
    () => countEvents(pool, signal),
    async () => {
      await sql`INSERT INTO event_recounts (device_id) SELECT id FROM devices ON CONFLICT DO NOTHING`;
      const recount = () => pool.run((one) => transaction(one, ({ query }) => recountEvents(query, 5)));
      while (await recount()) await actions[0]?.();
      await Promise.all([countEvents(pool, signal, 5), countEvents(pool, signal, 3), actions[0]?.()]);
    },
  ];
  for (let n = 0; n < 40; n++) {
    const action = random() < 0.5 ? actions[0] : actions[upTo(actions.length)];
    await action?.();
    if (n % 10 === 0) await expectEventCountsEqualRecount(sql);
  }
  await countEvents(pool, signal);
  expect(await sql`SELECT FROM event_slot_changes`).toBeEmpty();
  expect(await sql`SELECT FROM event_slots WHERE events <= 0`).toBeEmpty();
  await expectEventCountsEqualRecount(sql);
});
