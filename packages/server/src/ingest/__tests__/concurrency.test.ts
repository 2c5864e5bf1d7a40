import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { seededRandom, shuffle } from "../../__tests__/seeded-random.ts";
import { openApp, setupApp, type TestResponse } from "../../__tests__/setup-app.ts";
import type { Server } from "../../compose.ts";
import {
  anEvent,
  commit,
  counts,
  end,
  minute,
  type SentEvent,
  send,
  start,
  toolUse,
} from "./event-factory.ts";

const server = setupApp();
/** As another process has it: an app of its own on the same database. */
const other = { request: requestOther, projected: async () => opened?.ingest.caughtUp() };
const both = [server, other];
let opened: Server | undefined;
beforeAll(async () => {
  opened = await openApp(server.url);
});
afterAll(async () => {
  await opened?.drain();
});
afterEach(() => opened?.ingest.forget());

async function requestOther(method: string, path: string, body?: unknown): Promise<TestResponse> {
  if (opened === undefined) throw new Error("The app exists only inside tests and hooks.");
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  const response = await opened.app.request(path, { method, headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

const generator = seededRandom();
const random = (max: number) => Math.floor(generator() * max);

const idsIn = async () => (await server.sql<{ id: string }[]>`SELECT id FROM events`).map((row) => row.id);

test("the same batch three times at the same time is stored once, to an exact count", async () => {
  const batch = Array.from({ length: 500 }, (_, n) => toolUse(`s${n % 7}`, n % 50));
  const answers = await Promise.all([0, 1, 2].map(() => send(server, batch)));
  const total = answers.map(counts).reduce((sum, one) => ({
    ingested: sum.ingested + one.ingested,
    duplicates: sum.duplicates + one.duplicates,
    rejected: sum.rejected + one.rejected,
  }));
  expect(total).toEqual({ ingested: 500, duplicates: 1_000, rejected: 0 });
  expect(await idsIn()).toHaveLength(500);
});

test("the same batch at two processes at the same time, in opposite orders, is stored once", async () => {
  for (let round = 0; round < 10; round++) {
    const batch = Array.from({ length: 300 }, (_, n) =>
      toolUse(`s${round}-${n % 40}`, n % 50, {
        workspace_id: `github.com/a/r${round}-${n % 20}`,
        device_id: `d${n % 30}`,
      }),
    );
    const answers = await Promise.all([send(server, batch), send(other, [...batch].reverse())]);
    expect(answers.reduce((sum, answer) => sum + answer.ingested, 0)).toBe(300);
    expect(answers.reduce((sum, answer) => sum + answer.duplicates, 0)).toBe(300);
  }
  expect(await idsIn()).toHaveLength(3_000);
});

describe("many devices that share workspaces and sessions", () => {
  test("in any order, over two processes, with reports between: nothing is lost, doubled or refused", async () => {
    const events: SentEvent[] = [];
    for (let device = 0; device < 20; device++) {
      for (let n = 0; n < 60; n++) {
        const fields = { device_id: `device-${device}`, workspace_id: `github.com/acme/repo-${random(5)}` };
        const session = `session-${random(25)}`;
        const make = [start, end, toolUse, toolUse][random(4)] ?? toolUse;
        events.push(
          random(8) === 0
            ? commit(n, fields)
            : make === toolUse
              ? toolUse(session, n, fields)
              : (random(2) === 0 ? start : end)(session, n, {}, fields),
        );
      }
    }
    const batches: SentEvent[][] = [];
    const sent = shuffle([...events, ...events.slice(0, 200)], generator);
    for (let i = 0; i < sent.length; i += 25) batches.push(sent.slice(i, i + 25));
    const reports = Array.from({ length: 60 }, () => ({
      id: `session-${random(25)}`,
      workspace_id: `github.com/acme/repo-${random(5)}`,
      device_id: `device-${random(20)}`,
      started_at: minute(random(60)),
      cwd: "/repo",
    }));
    const [answers, reported] = await Promise.all([
      Promise.all(batches.map((batch, i) => send(both[i % 2] ?? server, batch))),
      Promise.all(
        reports.map((report, i) => (both[i % 2] ?? server).request("POST", "/api/sessions", report)),
      ),
    ]);
    for (const { status } of reported) expect([200, 201]).toContain(status);
    expect(answers.reduce((sum, answer) => sum + answer.ingested, 0)).toBe(1_200);
    expect(answers.reduce((sum, answer) => sum + answer.duplicates, 0)).toBe(200);
    expect((await idsIn()).sort()).toEqual(events.map(({ id }) => id).sort());
    expect(await server.sql`SELECT last_error FROM projection_queue`).toHaveLength(0);
    const [links] = await server.sql`
      SELECT count(*)::int AS missing FROM (SELECT DISTINCT workspace_id, device_id FROM events
        EXCEPT SELECT workspace_id, device_id FROM workspace_devices) AS unknown`;
    expect(links).toEqual({ missing: 0 });
  });

  test("a workspace that several processes meet first at the same time is made once", async () => {
    const name = () => anEvent({ workspace_id: "github.com/acme/brand-new", device_id: createUlid() });
    await Promise.all(Array.from({ length: 20 }, (_, i) => send(both[i % 2] ?? server, [name()])));
    expect(await server.sql`SELECT id FROM workspaces`).toHaveLength(1);
  });
});

test("a change of the log is written for each flush, in which every event is named once", async () => {
  const batches = Array.from({ length: 10 }, () => Array.from({ length: 5 }, () => toolUse("s1", 1)));
  await Promise.all(batches.map((batch) => send(server, batch)));
  const logged = await server.sql<
    { ids: string[] }[]
  >`SELECT event_ids AS ids FROM change_log WHERE kind = 'events'`;
  expect(logged.length).toBeLessThanOrEqual(10);
  expect(logged.flatMap(({ ids }) => ids).sort()).toEqual(
    batches
      .flat()
      .map(({ id }) => id)
      .sort(),
  );
});
