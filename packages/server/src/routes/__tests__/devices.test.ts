import { describe, expect, test } from "bun:test";
import { at, event, ingest, sessionEnd, sessionStart, walk } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();

describe("GET /api/devices", () => {
  test("gives each device with its totals", async () => {
    await ingest(server, [
      sessionStart("one", { timestamp: at(0), workspace_id: "github.com/acme/a" }),
      sessionEnd("one", { timestamp: at(9), workspace_id: "github.com/acme/a" }),
      sessionStart("two", { timestamp: at(5), workspace_id: "github.com/acme/b" }),
      event({ device_id: "idle" }),
    ]);
    await server.sql`UPDATE sessions SET cost_estimate_usd = 0.1`;
    const { status, body } = await server.request("GET", "/api/devices");
    expect(status).toBe(200);
    expect(body.has_more).toBe(false);
    const laptop = body.devices.find((row: { id: string }) => row.id === "laptop");
    expect(laptop).toMatchObject({
      type: "local",
      session_count: 2,
      workspace_count: 2,
      active_session_count: 1,
      last_session_at: at(5),
      total_cost_usd: 0.2,
      total_duration_ms: 60_000,
    });
    const idle = body.devices.find((row: { id: string }) => row.id === "idle");
    expect(idle).toMatchObject({ session_count: 0, last_session_at: null, workspace_count: 1 });
  });

  test("walked to the end while devices join and speak, gives each once", async () => {
    for (let i = 0; i < 7; i++) await ingest(server, [event({ device_id: `d${i}` })]);
    let joined = 0;
    const rows = await walk(server, "/api/devices?limit=2", "devices", async () => {
      joined += 1;
      await ingest(server, [event({ device_id: `new${joined}` }), event({ device_id: "d0" })]);
    });
    expect(rows.map((row) => row.id)).toEqual(["d6", "d5", "d4", "d3", "d2", "d1", "d0"]);
  });
});

describe("GET /api/devices/:id", () => {
  test("gives the device, its workspaces and its recent sessions", async () => {
    await ingest(server, [
      sessionStart("one", { timestamp: at(0) }),
      sessionStart("two", { timestamp: at(1) }),
    ]);
    const { status, body } = await server.request("GET", "/api/devices/laptop");
    expect(status).toBe(200);
    expect(body.device).toMatchObject({ id: "laptop", session_count: 2 });
    expect(body.workspaces).toMatchObject([
      { canonical_id: "github.com/acme/site", local_path: "/home/ada/site", session_count: 2 },
    ]);
    expect(body.recent_sessions.map((row: { id: string }) => row.id)).toEqual(["two", "one"]);
  });

  test("one that does not exist is a 404", async () => {
    for (const id of ["nobody", "%00", "x".repeat(300)]) {
      const { status, body } = await server.request("GET", `/api/devices/${id}`);
      expect([id, status, body.code]).toEqual([id, 404, "NOT_FOUND"]);
    }
  });
});

describe("POST /api/devices/facts", () => {
  const facts = {
    client_version: "0.1.0",
    hooks: [{ name: "claude-code", runs: 50, median_ms: 4, p99_ms: 8.5 }],
    agents: [{ agent: "claude-code", files: 2, bytes: 900, next_deletion_at: at(0) }],
  };
  const send = (body: object, headers = {}) => server.request("POST", "/api/devices/facts", body, headers);
  const reported = (changes: object = {}) =>
    send({ device_id: "laptop", sent_at: new Date().toISOString(), ...facts, ...changes });
  const device = async () => (await server.request("GET", "/api/devices/laptop")).body;

  test("the latest report stands at the device, which is active, with the difference of its clock", async () => {
    await ingest(server, [event({})]);
    expect((await device()).device.report).toBeNull();
    await server.sql`UPDATE devices SET last_seen_at = now() - interval '2 minutes'`;
    expect((await reported({ client_version: "0.0.9" })).status).toBe(204);
    expect(Date.parse((await device()).device.last_seen_at)).toBeGreaterThan(Date.now() - 60_000);
    const sent_at = new Date(Date.now() - 3_600_000).toISOString();
    expect((await reported({ sent_at })).status).toBe(204);
    const { report } = (await device()).device;
    expect(report).toMatchObject(facts);
    expect(report.clock_skew_ms).toBeWithin(-3_660_000, -3_590_000);
    const [listed] = (await server.request("GET", "/api/devices")).body.devices;
    expect(listed.report).toEqual(report);
  });

  test("a key of another device, an unknown device, too much and wrong types are refused", async () => {
    await ingest(server, [event({})]);
    const { body } = await server.request("POST", "/api/keys", { scope: "ingest", device_id: "phone" });
    const authorization = `Bearer ${body.key}`;
    const sent = { device_id: "laptop", sent_at: at(0), ...facts };
    expect((await send(sent, { authorization })).status).toBe(403);
    expect((await reported({ device_id: "tablet" })).status).toBe(404);
    expect((await reported({ more: "x".repeat(64 * 1024) })).status).toBe(413);
    expect((await reported({ agents: [{ agent: "codex", files: -1, bytes: 0 }] })).status).toBe(400);
    expect((await reported({ sent_at: "now" })).status).toBe(400);
    expect((await device()).device.report).toBeNull();
  });
});

test("a device shows the transcript files that are kept of it, and what its agents delete next", async () => {
  const none = { files: 0, bytes: 0, next_deletion_at: null };
  await ingest(server, [sessionStart("s", { timestamp: at(0) })]);
  const device = async () => (await server.request("GET", "/api/devices/laptop")).body;
  expect(await device()).toMatchObject({ device: { held: none }, next_deletions: [] });
  const line = `${JSON.stringify({ type: "user", uuid: "u1", message: { content: "hello" } })}\n`;
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const soon = inDays(7);
  const append = async (query: string, lines: string) => {
    const path = `/api/sessions/s/transcript/append?agent=claude-code&device_id=laptop&${query}`;
    expect((await server.request("POST", path, lines)).status).toBe(202);
  };
  await append(`file=late.jsonl&deletes_at=${inDays(9)}`, line.repeat(5));
  await append(`file=late.jsonl&generation=2&offset=0`, line);
  await append(`file=soon.jsonl&deletes_at=${soon}`, line);
  await append(`file=soon.jsonl&offset=${line.length}`, line);
  await append(`file=gone.jsonl&deletes_at=${inDays(-1)}`, line);
  await server.sql`UPDATE sessions SET initial_prompt = ${"Say hello "}`;
  const { device: row, next_deletions } = await device();
  const next_deletion_at = soon.replace("Z", "000Z");
  expect(row.held).toEqual({ files: 3, bytes: 4 * line.length, next_deletion_at });
  const deletion = {
    session_id: "s",
    session_title: "Say hello ",
    agent: "claude-code",
    file: "soon.jsonl",
    held_bytes: 2 * line.length,
  };
  expect(next_deletions).toMatchObject([deletion, { file: "late.jsonl", held_bytes: line.length }]);
});

describe("offers to install git hooks", () => {
  test("are made for each repository on the device until they are answered", async () => {
    await ingest(server, [
      sessionStart("one", { workspace_id: "github.com/acme/a" }),
      sessionStart("two", { workspace_id: "github.com/acme/b" }),
      event({ workspace_id: "no repository" }),
      event({ workspace_id: "github.com/acme/c", device_id: "desktop" }),
    ]);
    const first = await server.request("GET", "/api/prompts/pending?device_id=laptop");
    expect(first.status).toBe(200);
    expect(
      first.body.prompts.map((row: { workspace_name: string }) => row.workspace_name).toSorted(),
    ).toEqual(["a", "b"]);
    expect(first.body.prompts[0]).toMatchObject({ type: "git_hooks_install", device_id: "laptop" });
    const pages = await walk(server, "/api/prompts/pending?device_id=laptop&limit=1", "prompts");
    expect(pages).toHaveLength(2);
    for (const [index, action] of ["accepted", "declined"].entries()) {
      const { workspace_id } = first.body.prompts[index];
      const answer = { workspace_id, device_id: "laptop", action };
      const { status, body } = await server.request("POST", "/api/prompts/dismiss", answer);
      expect([status, body]).toEqual([200, answer]);
    }
    const { body } = await server.request("GET", "/api/prompts/pending?device_id=laptop");
    expect(body.prompts).toEqual([]);
    const [installed] =
      await server.sql`SELECT count(*)::int AS count FROM workspace_devices WHERE git_hooks_installed`;
    expect(installed?.["count"]).toBe(1);
  });

  test("refuse an unknown pair, an unknown action and a missing device", async () => {
    const unknown = await server.request("POST", "/api/prompts/dismiss", {
      workspace_id: "x\0",
      device_id: "laptop",
      action: "declined",
    });
    expect(unknown.status).toBe(404);
    const action = await server.request("POST", "/api/prompts/dismiss", {
      workspace_id: "x",
      device_id: "laptop",
      action: "later",
    });
    expect([action.status, action.body.errors[0].pointer]).toEqual([400, "/action"]);
    const missing = await server.request("GET", "/api/prompts/pending");
    expect([missing.status, missing.body.errors[0].pointer]).toEqual([400, "/device_id"]);
  });
});
