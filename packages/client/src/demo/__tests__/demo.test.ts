import { expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import { createPostgresBlobStore } from "../../../../server/src/blobs/postgres-store.ts";
import { findSessionsToParse } from "../../../../server/src/db/transcripts/unparsed-generations.ts";
import { parseSession } from "../../../../server/src/transcripts/parse/parse-session.ts";
import { setupHub } from "../../__tests__/hub.ts";
import { createClient, type HubError } from "../../index.ts";
import { filesOf } from "../files-of-session.ts";
import { awaitRead, findDemoSessions, loadDemo, removeDemo } from "../load-demo.ts";
import { planSessions } from "../plan-sessions.ts";
import { endOfTurns } from "../session.ts";
import { DEVICES, PROJECTS } from "../stories.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const NOW = new Date("2026-11-25T14:00:00Z");
const hub = setupHub();
const { server } = hub;

const clientOf = (key: string) => createClient({ url: hub.url, key });

async function parse(ids: readonly string[]): Promise<void> {
  const database = server.current().pools.deferrable;
  const stored = { database, blobs: createPostgresBlobStore(database) };
  for (const id of ids) await parseSession(stored, id);
  await server.projected();
}

/** As the hub's jobs do, which do not run here. */
async function whileParsing<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  await until(async () => {
    await parse(await server.current().pools.deferrable.run((sql) => findSessionsToParse(sql, 100)));
    return isDone;
  });
  return await done;
}

test("the plan of a month is the same for a seed, on all devices and repositories, and never in the future", () => {
  const options = { now: NOW, days: 30, seed: 1 };
  const sessions = planSessions(options);
  expect(planSessions(options)).toEqual(sessions);
  expect(planSessions({ ...options, seed: 2 })).not.toEqual(sessions);
  expect(sessions.length).toBeGreaterThan(60);
  expect(new Set(sessions.map(({ id }) => id)).size).toBe(sessions.length);
  expect(new Set(sessions.map(({ device }) => device.id)).size).toBe(DEVICES.length);
  expect(new Set(sessions.map(({ repository }) => repository.remote)).size).toBe(PROJECTS.length);
  for (const session of sessions) expect(endOfTurns(session).getTime()).toBeLessThan(NOW.getTime());
  expect(sessions.flatMap(filesOf).filter(({ text }) => /\{(?:part|secret)\}/.test(text))).toEqual([]);
});

test("what is loaded is read as real sessions are, and is gone when it is removed", async () => {
  const client = clientOf(server.key);
  const steps: number[] = [];
  const loaded = await loadDemo(client, { now: NOW, days: 6, seed: 9 }, (done) => steps.push(done));
  const ids = await findDemoSessions(client);
  expect(ids).toHaveLength(loaded.sessions);
  expect(steps.at(-1)).toBe(loaded.sessions);
  await parse(ids);

  const sessions = await Promise.all(ids.map((id) => client.sessions.get(id)));
  for (const session of sessions) {
    expect(session).toMatchObject({ parse_status: "completed", cost_is_partial: false });
    expect(session.cost_estimate_usd).toBeGreaterThan(0);
  }
  expect(new Set(sessions.map(({ agent }) => agent))).toEqual(new Set(["claude-code", "codex"]));
  expect(sessions.some(({ subagent_count }) => (subagent_count ?? 0) > 0)).toBeTrue();

  const grades = await server.sql`
    SELECT DISTINCT m.grade FROM git_activity g LEFT JOIN git_matches m ON m.git_activity_id = g.id`;
  expect([...grades]).toEqual([{ grade: "exact" }]);

  const started_at = NOW.toISOString();
  for (const [id, workspace_canonical_id] of [
    ["own", "github.com/acme/site"],
    ["own-in-a-demo-repository", "github.com/demo-garden/shop"],
  ] as const)
    await client.sessions.report({ id, workspace_canonical_id, device_id: "desk", started_at });
  expect(await removeDemo(client, () => {})).toBe(loaded.sessions);
  expect(await findDemoSessions(client)).toEqual([]);
  expect((await client.devices.list()).devices.map(({ id }) => id)).toEqual(["desk"]);
  const { workspaces } = await client.workspaces.list();
  expect(
    workspaces.map(({ canonical_id, session_count }) => [canonical_id, session_count]).toSorted(),
  ).toEqual([
    ["github.com/acme/site", 1],
    ["github.com/demo-garden/shop", 1],
  ]);
  await client.sessions.delete("own-in-a-demo-repository");
  await removeDemo(client, () => {});
  expect((await client.workspaces.list()).workspaces).toHaveLength(1);
  // What was deleted behind the server's caches is written again.
  const again = await loadDemo(client, { now: NOW, days: 1, seed: 10 }, () => {});
  expect(await findDemoSessions(client)).toHaveLength(again.sessions);
});

test("the wait for the hub counts what it has read, and ends when it reads none", async () => {
  const client = clientOf(server.key);
  await loadDemo(client, { now: NOW, days: 0, seed: 3 }, () => {});
  const ids = await findDemoSessions(client);
  const [first = "", ...others] = ids;
  await parse([first]);
  const steps: [number, number][] = [];
  const read = awaitRead(client, ids, (done, total) => {
    steps.push([done, total]);
    if (done === 1) void parse(others);
  });
  expect(await read).toBe(ids.length);
  expect([steps[0], steps.at(-1)]).toEqual([
    [1, ids.length],
    [ids.length, ids.length],
  ]);
  expect(await awaitRead(client, [...ids, "unknown"], () => {}, 1)).toBe(ids.length);
});

test("three sessions are open at the time of the load", async () => {
  const client = clientOf(server.key);
  await loadDemo(client, { now: new Date(), days: 0, seed: 3 }, () => {});
  const open = (await client.sessions.list({ limit: 50 })).sessions.filter(
    ({ ended_at }) => ended_at === null,
  );
  await parse(open.map(({ id }) => id));
  const states = await Promise.all(open.map(async ({ id }) => (await client.sessions.get(id)).live_state));
  expect(states.toSorted()).toEqual(["needs_input", "turn_done", "working"]);
});

test("a key that may not write for other devices loads nothing", async () => {
  const { key } = await clientOf(server.key).keys.create({ scope: "read" });
  const reader = clientOf(key);
  const error: HubError = await loadDemo(reader, { now: NOW, days: 1, seed: 1 }, () => {}).catch(
    (reason) => reason,
  );
  expect(error.status).toBe(403);
  expect(await server.sql`SELECT FROM events`).toHaveLength(0);
});

test("the command loads once, prints what it did, and removes all of it", async () => {
  const { wharf } = await hub.machine();
  await wharf(["connect", hub.url, "--key", "-"], { stdin: server.key });
  const { json } = await whileParsing(wharf(["demo", "load", "--days", "1", "--json"]));
  expect(json).toMatchObject({ files: expect.any(Number), sessions_read: json.sessions });
  expect((await clientOf(server.key).sessions.list()).sessions.filter(({ title }) => title === null)).toEqual(
    [],
  );
  const again = await wharf(["demo", "load"]);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("wharf demo remove")]);
  expect((await wharf(["demo", "remove"])).stdout).toMatch(/^Deleted \d+ sessions/);
  expect((await wharf(["demo", "remove"])).stdout).toBe("The hub has no demo sessions.\n");
  expect((await wharf(["demo", "load", "--days", "9999"])).code).toBe(2);
  const lines = (await whileParsing(wharf(["demo", "load", "--days", "1"]))).stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^Sent \d+ sessions with \d+ events and \d+ transcript files to http:/);
  expect(lines.at(-1)).toBe("Remove them: wharf demo remove");
});

test("a machine without an admin key gets the command that adds one", async () => {
  const { wharf } = await hub.machine();
  await wharf(["connect", hub.url, await hub.code(), "--name", "desk"]);
  const refused = await wharf(["demo", "load"]);
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining("--key -")]);
});
