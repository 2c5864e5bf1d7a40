import { expect, test } from "bun:test";
import { event, ingest, sessionStart, walk } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();
/** Long, and of text that no compression makes smaller. */
const longId = (n: number) =>
  `${n}-${Buffer.from(crypto.getRandomValues(new Uint8Array(450))).toString("base64url")}`;
const ROWS = [1, 2, 3];

test("a list can be walked whose rows lie outside the years that events may have", async () => {
  const sessions = ROWS.map((n) => sessionStart(`s${n}`, { workspace_id: `github.com/acme/w${n}` }));
  await ingest(server, [...sessions, ...ROWS.map(() => event({ session_id: "s1" }))]);
  for (const year of ["1999-12-31T23:00:00.000001Z", "2100-01-01T14:59:59Z"]) {
    await server.sql`UPDATE sessions SET started_at = ${year}, ended_at = NULL, start_reported_at = ${year}`;
    await server.sql`UPDATE events SET timestamp = ${year}`;
    for (const [path, list, count] of [
      ["/api/sessions?limit=1", "sessions", 3],
      ["/api/timeline?limit=1", "items", 3],
      ["/api/workspaces?limit=1", "workspaces", 4],
      ["/api/sessions/s1/events?limit=1", "events", 4],
    ] as const)
      expect(await walk(server, path, list)).toHaveLength(count);
  }
});

test("devices and remote environments with ids of 600 characters are listed page by page, and found by id", async () => {
  await ingest(server, [event()]);
  const ids = ROWS.map(longId);
  await server.sql`INSERT INTO devices (id, name, type) SELECT id, 'd', 'remote' FROM unnest(${ids}::text[]) AS id`;
  await server.sql`
    INSERT INTO remote_envs (id, workspace_id, instance_type, region, blueprint)
    SELECT e.id, w.id, 't', 'r', '{}' FROM unnest(${ids}::text[]) AS e (id) CROSS JOIN workspaces w`;
  expect(await walk(server, "/api/devices?limit=1", "devices")).toHaveLength(4);
  expect(await walk(server, "/api/remote-envs?limit=1", "remote_envs")).toHaveLength(3);
  for (const path of ["devices", "remote-envs"])
    expect((await server.request("GET", `/api/${path}/${ids[0]}`)).status).toBe(200);
  expect((await server.request("GET", `/api/devices/${"d".repeat(5_000)}`)).status).toBe(404);
});

test("an event that would begin such a row is rejected", async () => {
  const long = longId(1);
  const events = [
    event({ timestamp: "2099-12-31T23:59:59-15:00" }),
    event({ timestamp: "2000-01-01T00:00:00+15:00" }),
    event({ type: "remote.provision.start", data: { remote_env_id: long } }),
    event({ type: "remote.provision.error", data: { instance_id: long } }),
    event({ type: "remote.provision.ready", data: { instance_id: "i", device_id: long } }),
  ];
  const { body } = await server.request("POST", "/api/events", { events });
  expect(body).toMatchObject({ ingested: 0, rejected: events.length });
  expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
    "/timestamp",
    "/timestamp",
    "/data/remote_env_id",
    "/data/instance_id",
    "/data/device_id",
  ]);
});
