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
