import { describe, expect, test } from "bun:test";
import { event, ingest, walk } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();

async function workspaceId(): Promise<string> {
  await ingest(server, [event()]);
  const [row] = await server.sql`SELECT id FROM workspaces LIMIT 1`;
  return String(row?.["id"]);
}

describe("/api/remote-envs", () => {
  const fields = { instance_type: "m5", region: "eu", blueprint: { image: "x" }, cost_per_hour_usd: 0.125 };

  test("are created, read, changed and listed", async () => {
    const workspace_id = await workspaceId();
    const created = await server.request("POST", "/api/remote-envs", { ...fields, workspace_id });
    expect(created.status).toBe(201);
    const { id } = created.body.remote_env;
    expect(created.body.remote_env).toMatchObject({
      workspace_id,
      status: "provisioning",
      ttl_minutes: 480,
      idle_timeout_minutes: 60,
      cost_per_hour_usd: 0.125,
      blueprint: { image: "x" },
      ready_at: null,
    });
    const ready = await server.request("PATCH", `/api/remote-envs/${id}`, {
      status: "ready",
      instance_id: "i-1",
    });
    expect(ready.body.remote_env).toMatchObject({
      status: "ready",
      instance_id: "i-1",
      cost_per_hour_usd: 0.125,
    });
    expect(ready.body.remote_env.ready_at).toMatch(/Z$/);
    const cleared = await server.request("PATCH", `/api/remote-envs/${id}`, { instance_id: null });
    expect(cleared.body.remote_env).toMatchObject({ status: "ready", instance_id: null });
    const one = await server.request("GET", `/api/remote-envs/${id}`);
    expect(one.body.remote_env).toEqual(cleared.body.remote_env);
    const listed = await server.request(
      "GET",
      `/api/remote-envs?workspace_id=${workspace_id}&status=ready,idle`,
    );
    expect(listed.body.remote_envs).toHaveLength(1);
    const none = await server.request("GET", "/api/remote-envs?status=terminated");
    expect(none.body).toEqual({ remote_envs: [], next_cursor: null, has_more: false });
  });

  test("created through the API are found by their instance when its events come", async () => {
    const workspace_id = await workspaceId();
    const { body } = await server.request("POST", "/api/remote-envs", {
      ...fields,
      workspace_id,
      instance_id: "i-9",
    });
    await ingest(server, [
      event({
        type: "remote.terminate",
        data: { instance_id: "i-9", reason: "ttl", uptime_seconds: 1, total_cost_usd: 1.5 },
      }),
    ]);
    const after = await server.request("GET", `/api/remote-envs/${body.remote_env.id}`);
    expect(after.body.remote_env).toMatchObject({
      status: "terminated",
      termination_reason: "ttl",
      total_cost_usd: 1.5,
    });
  });

  test("walked to the end, come once each, the newest first", async () => {
    const workspace_id = await workspaceId();
    for (let i = 0; i < 5; i++)
      await server.request("POST", "/api/remote-envs", { ...fields, workspace_id, region: `r${i}` });
    const rows = await walk(server, "/api/remote-envs?limit=2", "remote_envs");
    expect(rows.map((row) => row.region)).toEqual(["r4", "r3", "r2", "r1", "r0"]);
  });

  test("refuse what is wrong, and cannot be given an id or a time by the client", async () => {
    const workspace_id = await workspaceId();
    const unknown = await server.request("POST", "/api/remote-envs", { ...fields, workspace_id: "nobody" });
    expect([unknown.status, unknown.body.code]).toEqual([400, "REFERENCE_UNKNOWN"]);
    const device = await server.request("POST", "/api/remote-envs", {
      ...fields,
      workspace_id,
      device_id: "no\0",
    });
    expect([device.status, device.body.code]).toEqual([400, "REFERENCE_UNKNOWN"]);
    const cost = await server.request("POST", "/api/remote-envs", {
      ...fields,
      workspace_id,
      cost_per_hour_usd: 1e6,
    });
    expect([cost.status, cost.body.errors[0].pointer]).toEqual([400, "/cost_per_hour_usd"]);
    const named = await server.request("POST", "/api/remote-envs", { ...fields, workspace_id, id: "mine" });
    expect([named.status, named.body.detail]).toEqual([400, expect.stringContaining('"id"')]);
    const own = await server.request("POST", "/api/remote-envs", { ...fields, workspace_id });
    const path = `/api/remote-envs/${own.body.remote_env.id}`;
    const patched = await server.request("PATCH", path, { id: "mine", workspace_id: "nobody" });
    expect([patched.status, patched.body.code]).toEqual([400, "VALIDATION_FAILED"]);
    expect((await server.request("GET", path)).body.remote_env).toMatchObject({ workspace_id });
    for (const [method, path] of [
      ["GET", "nobody"],
      ["GET", "%00"],
      ["PATCH", "nobody"],
    ]) {
      const answer = await server.request(
        method ?? "",
        `/api/remote-envs/${path}`,
        method === "PATCH" ? {} : undefined,
      );
      expect(answer.status).toBe(404);
    }
  });
});

describe("/api/blueprints", () => {
  test("are created, read, changed and listed with the templates", async () => {
    const workspace_id = await workspaceId();
    const template = await server.request("POST", "/api/blueprints", { name: "t", config: { a: 1 } });
    expect(template.status).toBe(201);
    expect(template.body.blueprint).toMatchObject({ workspace_id: null, source: "manual", config: { a: 1 } });
    const own = await server.request("POST", "/api/blueprints", {
      name: "own",
      config: {},
      workspace_id,
      source: "auto-detected",
      detected_from: "package.json",
    });
    const listed = await server.request("GET", `/api/blueprints?workspace_id=${workspace_id}`);
    expect(listed.body.blueprints.map((row: { name: string }) => row.name)).toEqual(["own", "t"]);
    const path = `/api/blueprints/${own.body.blueprint.id}`;
    const patched = await server.request("PATCH", path, { name: "renamed", config: { b: 2 } });
    expect(patched.body.blueprint).toMatchObject({
      name: "renamed",
      config: { b: 2 },
      detected_from: "package.json",
    });
    expect((await server.request("GET", path)).body.blueprint).toEqual(patched.body.blueprint);
  });

  test("refuse what is wrong", async () => {
    const cases: [object, string][] = [
      [{ config: {} }, "/name"],
      [{ name: "x" }, "/config"],
      [{ name: "x", config: {}, source: "magic" }, "/source"],
    ];
    for (const [blueprint, pointer] of cases) {
      const { status, body } = await server.request("POST", "/api/blueprints", blueprint);
      expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
    }
    const reference = await server.request("POST", "/api/blueprints", {
      name: "x",
      config: {},
      workspace_id: "nobody",
    });
    expect([reference.status, reference.body.code]).toEqual([400, "REFERENCE_UNKNOWN"]);
    expect((await server.request("PATCH", "/api/blueprints/nobody", {})).status).toBe(404);
    expect((await server.request("GET", "/api/blueprints/%00")).status).toBe(404);
  });
});
