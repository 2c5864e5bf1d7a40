import { expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { setupApp } from "./setup-app.ts";

const server = setupApp();

async function boundKey(device_id: string): Promise<Record<string, string>> {
  const { body } = await server.request("POST", "/api/keys", { scope: "ingest", device_id });
  return { authorization: `Bearer ${body.key}` };
}

const at = "2026-11-22T10:00:00Z";
const eventOf = (device_id: string) => ({
  id: createUlid(),
  type: "system.heartbeat",
  timestamp: at,
  device_id,
  workspace_id: "github.com/a/b",
  data: {},
});
const sessionOf = (id: string, device_id: string) => ({
  id,
  device_id,
  workspace_id: "github.com/a/b",
  started_at: at,
});
const backfillOf = (session_id: string, device_id: string) => ({
  session_id,
  device_id,
  workspace_canonical_id: "github.com/a/b",
  started_at: at,
});

test("an event of another device is rejected alone, with the reason, and its neighbours are stored", async () => {
  const key = await boundKey("mine");
  const events = [eventOf("mine"), eventOf("theirs"), eventOf("mine")];
  const { status, body } = await server.request("POST", "/api/events", { events }, key);
  expect(status).toBe(202);
  expect(body).toMatchObject({ ingested: 2, duplicates: 0, rejected: 1 });
  expect(body.errors).toEqual([
    {
      index: 1,
      error: "device_id is not the one this key is bound to; use the id that was returned with the key",
      pointer: "/device_id",
    },
  ]);
  const rows = await server.sql`SELECT DISTINCT device_id FROM events`;
  expect([...rows]).toEqual([{ device_id: "mine" }]);
  const devices = await server.sql`SELECT id FROM devices`;
  expect([...devices]).toEqual([{ id: "mine" }]);
});

test("a bound key's remote events name no other device in their payload", async () => {
  const key = await boundKey("mine");
  const ready = (instance_id: string, device_id: unknown) => ({
    ...eventOf("mine"),
    type: "remote.provision.ready",
    data: { instance_id, device_id },
  });
  const events = [ready("i-1", "theirs"), ready("i-2", "mine"), ready("i-3", null)];
  const { body } = await server.request("POST", "/api/events", { events }, key);
  expect(body).toMatchObject({ ingested: 2, rejected: 1 });
  expect(body.errors).toEqual([
    {
      index: 0,
      error: "device_id is not the one this key is bound to; use the id that was returned with the key",
      pointer: "/data/device_id",
    },
  ]);
  expect(await server.sql`SELECT id FROM devices WHERE id = 'theirs'`).toHaveLength(0);
  expect((await server.request("POST", "/api/events", { events: [events[0]] })).body.ingested).toBe(1);
});

test("what a bound key had rejected is noted under the device of the key, with any device_id in the event", async () => {
  const key = { ...(await boundKey("mine")), "content-type": "application/x-ndjson" };
  const lines = [JSON.stringify(eventOf("theirs")), "not json", JSON.stringify({ device_id: "theirs" })];
  const { body } = await server.request("POST", "/api/events", lines.join("\n"), key);
  expect(body.rejected).toBe(3);
  const notes = await server.sql`SELECT device_id, kind FROM ingest_notes`;
  expect([...notes]).toEqual(lines.map(() => ({ device_id: "mine", kind: "rejected" })));
});

test("a session of another device is refused with 403, by its device and by its id", async () => {
  const key = await boundKey("mine");
  expect((await server.request("POST", "/api/sessions", sessionOf("s1", "theirs"), key)).status).toBe(403);
  expect((await server.request("POST", "/api/sessions", sessionOf("s1", "mine"), key)).status).toBe(201);
  await server.request("POST", "/api/sessions", sessionOf("s2", "theirs"));
  const taken = await server.request(
    "POST",
    "/api/sessions",
    { ...sessionOf("s2", "mine"), model: "x" },
    key,
  );
  expect([taken.status, taken.body.code]).toEqual([403, "SCOPE_INSUFFICIENT"]);
  const [row] = await server.sql`SELECT device_id, model FROM sessions WHERE id = 's2'`;
  expect(row).toEqual({ device_id: "theirs", model: null });
});

test("an ingest key's response to a report holds no value that the key did not send", async () => {
  const known = {
    ...sessionOf("s1", "mine"),
    initial_prompt: "the prompt",
    git_branch: "main",
    tags: ["a"],
    metadata: { k: 1, l: 2 },
  };
  await server.request("POST", "/api/sessions", { ...known, cwd: "/repo" });
  await server.sql`UPDATE sessions SET summary = 'the summary', total_messages = 3`;
  const { body } = await server.request("POST", "/api/keys", { scope: "ingest" });
  const keys = [await boundKey("mine"), { authorization: `Bearer ${body.key}` }];
  for (const key of keys) {
    const sent = {
      ...sessionOf("s1", "mine"),
      git_branch: "main",
      model: "large",
      tags: ["b"],
      metadata: { k: 1, l: 3 },
    };
    const answer = await server.request("POST", "/api/sessions", sent, key);
    expect(answer).toMatchObject({
      status: 200,
      body: { session: { id: "s1", git_branch: "main", model: "large", tags: ["b"], metadata: { k: 1 } } },
    });
    expect(answer.body.session).toMatchObject({ initial_prompt: null, summary: null, total_messages: null });
  }
  const read = await server.request("GET", "/api/sessions/s1");
  expect(read.body.session).toMatchObject({
    initial_prompt: "the prompt",
    summary: "the summary",
    tags: ["a", "b"],
  });
});

test("a bound key's events take over no session of another device", async () => {
  const [mine, theirs] = [await boundKey("mine"), await boundKey("theirs")];
  const start = (device_id: string, timestamp: string) => ({
    ...eventOf(device_id),
    type: "session.start",
    session_id: "s1",
    timestamp,
    data: { cc_session_id: "s1", cwd: `/${device_id}`, source: "startup" },
  });
  await server.request("POST", "/api/events", { events: [start("mine", at)] }, mine);
  await server.request("POST", "/api/sessions", { ...sessionOf("s1", "mine"), initial_prompt: "x" }, mine);
  const taken = { events: [start("theirs", "2026-11-22T09:00:00Z")] };
  expect((await server.request("POST", "/api/events", taken, theirs)).body.ingested).toBe(1);
  expect((await server.request("POST", "/api/sessions", sessionOf("s1", "theirs"), theirs)).status).toBe(403);
  expect((await server.request("POST", "/api/sessions", sessionOf("s1", "mine"), mine)).status).toBe(200);
  const { body } = await server.request("GET", "/api/sessions/s1");
  expect(body.session).toMatchObject({ device_id: "mine", metadata: { cwd: "/mine" } });
});

test("a backfilled session of another device is refused with 403", async () => {
  const key = await boundKey("mine");
  const path = "/api/backfill/sessions";
  expect((await server.request("POST", path, backfillOf("s1", "theirs"), key)).status).toBe(403);
  expect((await server.request("POST", path, backfillOf("s1", "mine"), key)).status).toBe(201);
  await server.request("POST", path, backfillOf("s2", "theirs"));
  expect((await server.request("POST", path, backfillOf("s2", "mine"), key)).status).toBe(403);
});

test("an ingest key that is bound to no device writes for every device", async () => {
  const { body } = await server.request("POST", "/api/keys", { scope: "ingest" });
  const events = [eventOf("a"), eventOf("b")];
  const sent = await server.request(
    "POST",
    "/api/events",
    { events },
    { authorization: `Bearer ${body.key}` },
  );
  expect(sent.body.ingested).toBe(2);
});

test("a bound key sees and answers the hook offers of its own device only", async () => {
  const key = await boundKey("mine");
  const answer = { workspace_id: "w", action: "declined" };
  expect((await server.request("GET", "/api/prompts/pending?device_id=mine", undefined, key)).status).toBe(
    200,
  );
  expect((await server.request("GET", "/api/prompts/pending?device_id=theirs", undefined, key)).status).toBe(
    403,
  );
  const own = await server.request("POST", "/api/prompts/dismiss", { ...answer, device_id: "mine" }, key);
  expect(own.status).toBe(404);
  const other = await server.request("POST", "/api/prompts/dismiss", { ...answer, device_id: "theirs" }, key);
  expect(other.status).toBe(403);
});

test("a key bound to a device whose id holds control characters writes as that device", async () => {
  const device = "lap\u0001top\u0000";
  const key = await boundKey(device);
  const { body } = await server.request("POST", "/api/events", { events: [eventOf(device)] }, key);
  expect(body).toMatchObject({ ingested: 1, rejected: 0 });
  expect((await server.request("POST", "/api/sessions", sessionOf("s1", device), key)).status).toBe(201);
  expect((await server.request("POST", "/api/sessions", sessionOf("s2", "lap\u0002to"), key)).status).toBe(
    403,
  );
  const [row] = await server.sql`SELECT id FROM devices WHERE id LIKE 'lap%' ORDER BY id LIMIT 1`;
  expect(row?.["id"]).toBe("lap\ufffdtop\ufffd");
});

test("a key that an earlier version bound to such an id writes, too", async () => {
  const key = await boundKey("plain");
  await server.sql`UPDATE api_keys SET device_id = ${"lap\u0001top"}`;
  const { body } = await server.request("POST", "/api/events", { events: [eventOf("lap\u0001top")] }, key);
  expect(body).toMatchObject({ ingested: 1, rejected: 0 });
});
