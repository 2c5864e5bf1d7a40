import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { until } from "@wharf/testkit";
import { openApp, setupApp, type TestResponse } from "../../__tests__/setup-app.ts";
import { openConnection } from "../../db/connection.ts";
import { KEY_CACHE_MS } from "../../keys/key-cache.ts";

const server = setupApp();

async function createKey(key: Record<string, unknown>): Promise<{ id: string; key: string }> {
  const { status, body } = await server.request("POST", "/api/keys", key);
  expect(status).toBe(201);
  return body;
}

function as(key: string, method: string, path: string, body?: unknown): Promise<TestResponse> {
  return server.request(method, path, body, { authorization: `Bearer ${key}` });
}

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

describe("making a key", () => {
  test("a key has its scope in its name, is shown once, and is stored as its SHA-256 alone", async () => {
    const { status, body } = await server.request("POST", "/api/keys", { scope: "read", name: "dashboard" });
    expect(status).toBe(201);
    expect(body.key).toMatch(/^wharf_read_[A-Za-z0-9_-]{43}$/);
    expect(body).toMatchObject({
      scope: "read",
      name: "dashboard",
      device_id: null,
      last4: body.key.slice(-4),
    });
    const [row] = await server.sql`SELECT to_jsonb(k) AS row, encode(hash, 'hex') AS hash FROM api_keys k`;
    expect(row?.["hash"]).toBe(createHash("sha256").update(body.key).digest("hex"));
    expect(JSON.stringify(row)).not.toContain(body.key.slice("wharf_read_".length));
    const list = await server.request("GET", "/api/keys");
    expect(JSON.stringify(list.body)).not.toContain(body.key);
    expect(list.body.keys).toHaveLength(1);
    expect(list.body.keys[0]).not.toHaveProperty("hash");
  });

  test("only an ingest key can be bound to a device", async () => {
    const { status, body } = await server.request("POST", "/api/keys", { scope: "read", device_id: "d" });
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { pointer: "/device_id", detail: "only an ingest key can be bound to a device" },
    ]);
  });

  test("an unknown scope, an unknown field, a past expiry and a NUL are refused with 400", async () => {
    const bodies = [
      { scope: "root" },
      { scope: "read", hash: "x" },
      { scope: "read", expires_at: "2020-01-01T00:00:00Z" },
      { scope: "read", name: "a\u0000b" },
      [],
    ];
    for (const body of bodies) expect((await server.request("POST", "/api/keys", body)).status).toBe(400);
    expect((await server.request("GET", "/api/keys")).body.keys).toEqual([]);
  });

  test("the list is paged, newest first, and refuses a cursor of another list", async () => {
    const made = [];
    for (const name of ["a", "b", "c"]) made.push((await createKey({ scope: "read", name })).id);
    const first = await server.request("GET", "/api/keys?limit=2");
    expect(first.body.has_more).toBe(true);
    const second = await server.request("GET", `/api/keys?limit=2&cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({ has_more: false, next_cursor: null });
    const ids = [...first.body.keys, ...second.body.keys].map((key: { id: string }) => key.id);
    expect(ids).toEqual([...ids].sort().reverse());
    expect(new Set(ids)).toEqual(new Set(made));
    const wrong = await server.request("GET", `/api/keys/audit?cursor=${first.body.next_cursor}`);
    expect([wrong.status, wrong.body.code]).toEqual([400, "CURSOR_INVALID"]);
    expect((await server.request("GET", "/api/keys?cursor=%00&limit=2")).status).toBe(400);
    expect((await server.request("GET", "/api/keys?limit=0")).status).toBe(400);
  });
});

describe("using a key", () => {
  test("the key's use is noted, once a minute at most", async () => {
    const { id, key } = await createKey({ scope: "read" });
    expect((await as(key, "GET", "/api/limits")).status).toBe(200);
    const first = await until(() => lastUse(id));
    server.current().access.forgetKeys();
    expect((await as(key, "GET", "/api/limits")).status).toBe(200);
    expect(await lastUse(id)).toBe(first);
  });

  test("an expired, a revoked, an unknown and a malformed key get the same answer", async () => {
    const expired = await createKey({ scope: "read", expires_at: inAnHour() });
    await server.sql`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = ${expired.id}`;
    const revoked = await createKey({ scope: "read" });
    expect((await server.request("DELETE", `/api/keys/${revoked.id}`)).status).toBe(204);
    const bad = [expired.key, revoked.key, `wharf_admin_${"x".repeat(43)}`, "password", ""];
    const answers = [];
    for (const key of bad) {
      const { status, body } = await as(key, "GET", "/api/limits");
      answers.push({ status, ...body, request_id: "" });
    }
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ status: 401, code: "AUTH_REQUIRED" });
  });

  test("a key that expires while it is remembered is refused from that moment on", async () => {
    const soon = new Date(Date.now() + 400).toISOString();
    const { key } = await createKey({ scope: "read", expires_at: soon });
    expect((await as(key, "GET", "/api/limits")).status).toBe(200);
    await until(async () => (await as(key, "GET", "/api/limits")).status === 401, { deadlineMs: 3_000 });
  });

  test("a made admin key may do everything", async () => {
    const { key } = await createKey({ scope: "admin" });
    expect((await as(key, "GET", "/api/keys")).status).toBe(200);
    expect((await as(key, "POST", "/api/keys", { scope: "read" })).status).toBe(201);
    expect((await as(key, "GET", "/metrics")).status).toBe(200);
  });
});

test("keys are looked up while edits and a key's own row wait for locks", async () => {
  const { id, key } = await createKey({ scope: "read" });
  const other = await createKey({ scope: "read" });
  await server.sql`INSERT INTO devices (id, name, type) VALUES ('locked', 'before', 'local')`;
  const lock = openConnection(server.sql);
  await lock.query`BEGIN`;
  await lock.query`SELECT FROM devices WHERE id = 'locked' FOR UPDATE`;
  await lock.query`SELECT FROM api_keys WHERE id = ${id} FOR UPDATE`;
  const edit = () => server.request("PATCH", "/api/devices/locked", { name: "after" });
  const edits = Array.from({ length: 4 }, edit);
  for (let n = 0; n < 3; n++) {
    server.current().access.forgetKeys();
    expect((await as(key, "GET", "/api/limits")).status).toBe(200);
    expect((await as(other.key, "GET", "/api/limits")).status).toBe(200);
  }
  await lock.query`ROLLBACK`;
  await lock.close();
  for (const { status } of await Promise.all(edits)) expect(status).toBe(200);
});

describe("revoking a key", () => {
  test("this process refuses it at once, and revoking again changes nothing", async () => {
    const { id, key } = await createKey({ scope: "read" });
    expect((await as(key, "GET", "/api/limits")).status).toBe(200);
    expect((await server.request("DELETE", `/api/keys/${id}`)).status).toBe(204);
    expect((await as(key, "GET", "/api/limits")).status).toBe(401);
    const [before] = await server.sql`SELECT revoked_at::text FROM api_keys`;
    expect((await server.request("DELETE", `/api/keys/${id}`)).status).toBe(204);
    const [after] = await server.sql`SELECT revoked_at::text FROM api_keys`;
    expect(after).toEqual(before);
  });

  test("another replica refuses it within KEY_CACHE_MS", async () => {
    let nowMs = 0;
    const replica = await openApp(server.url, { time: { monotonicMs: () => nowMs } });
    const { id, key } = await createKey({ scope: "read" });
    const status = async () => {
      const headers = { authorization: `Bearer ${key}` };
      return (await replica.app.request("/api/limits", { headers })).status;
    };
    expect(await status()).toBe(200);
    nowMs += 1_000;
    await server.request("DELETE", `/api/keys/${id}`);
    expect(await status()).toBe(200);
    nowMs += KEY_CACHE_MS - 1_000;
    expect(await status()).toBe(401);
    await replica.drain();
  });

  test("a key that is unknown is not found", async () => {
    expect((await server.request("DELETE", "/api/keys/nope")).status).toBe(404);
    expect((await server.request("POST", "/api/keys/nope/rotate")).status).toBe(404);
  });
});

describe("rotating a key", () => {
  test("both keys live until the grace is over; scope, name and device pass on", async () => {
    const old = await createKey({ scope: "ingest", name: "laptop", device_id: "d1" });
    const { status, body } = await server.request("POST", `/api/keys/${old.id}/rotate`);
    expect(status).toBe(201);
    expect(body).toMatchObject({ scope: "ingest", name: "laptop", device_id: "d1", rotated_from: old.id });
    for (const key of [old.key, body.key]) expect((await as(key, "GET", "/api/limits")).status).toBe(200);
    const [row] = await server.sql`
      SELECT extract(epoch FROM expires_at - now())::float8 AS left_s FROM api_keys WHERE id = ${old.id}`;
    expect(row?.["left_s"]).toBeWithin(86_300, 86_401);
    await server.sql`UPDATE api_keys SET expires_at = now() WHERE id = ${old.id}`;
    server.current().access.forgetKeys();
    expect((await as(old.key, "GET", "/api/limits")).status).toBe(401);
    expect((await as(body.key, "GET", "/api/limits")).status).toBe(200);
  });

  test("without a grace the old key ends at once", async () => {
    const old = await createKey({ scope: "read" });
    const next = await server.request("POST", `/api/keys/${old.id}/rotate`, { grace_seconds: 0 });
    expect(next.status).toBe(201);
    expect((await as(old.key, "GET", "/api/limits")).status).toBe(401);
    expect((await as(next.body.key, "GET", "/api/limits")).status).toBe(200);
  });

  test("a successor lives as long as the old key was made to live, and a grace never prolongs the old one", async () => {
    const old = await createKey({ scope: "read", expires_at: inAnHour() });
    const { body } = await server.request("POST", `/api/keys/${old.id}/rotate`);
    const lifeMs = Date.parse(body.expires_at) - Date.parse(body.created_at);
    expect(lifeMs).toBeWithin(3_590_000, 3_600_001);
    const [row] =
      await server.sql`SELECT expires_at < now() + interval '61 minutes' AS soon FROM api_keys WHERE id = ${old.id}`;
    expect(row?.["soon"]).toBe(true);
  });

  test("of rotations at the same time one makes a successor; a third live key cannot be created", async () => {
    const old = await createKey({ scope: "read" });
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => server.request("POST", `/api/keys/${old.id}/rotate`)),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409, 409]);
    expect((await server.request("POST", `/api/keys/${old.id}/rotate`)).body.code).toBe("KEY_NOT_ROTATABLE");
    const [row] = await server.sql`SELECT count(*)::int AS keys FROM api_keys`;
    expect(row?.["keys"]).toBe(2);
  });

  test("a successor of a second rotation lives as long as the key was made to, not as long as its grace", async () => {
    const rotate = async (id: string) => {
      const { status, body } = await server.request("POST", `/api/keys/${id}/rotate`, { grace_seconds: 60 });
      expect(status).toBe(201);
      return body;
    };
    const endless = await createKey({ scope: "ingest" });
    const hourly = await createKey({ scope: "ingest", expires_at: inAnHour() });
    for (const { id } of [endless, hourly]) {
      for (let i = 0; i < 2; i++)
        expect((await server.request("DELETE", `/api/keys/${(await rotate(id)).id}`)).status).toBe(204);
    }
    expect((await rotate(endless.id)).expires_at).toBeNull();
    const { expires_at, created_at } = await rotate(hourly.id);
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBeWithin(3_590_000, 3_600_001);
  });

  test("a grace is not prolonged by a second rotation", async () => {
    const old = await createKey({ scope: "read" });
    const first = await server.request("POST", `/api/keys/${old.id}/rotate`, { grace_seconds: 60 });
    await server.request("DELETE", `/api/keys/${first.body.id}`);
    await server.request("POST", `/api/keys/${old.id}/rotate`, { grace_seconds: 6_000 });
    const [row] = await server.sql`
      SELECT expires_at < now() + interval '61 seconds' AS soon FROM api_keys WHERE id = ${old.id}`;
    expect(row?.["soon"]).toBe(true);
  });

  test("an expired successor is replaced by another one, and revoked", async () => {
    const old = await createKey({ scope: "ingest" });
    const expired = await server.request("POST", `/api/keys/${old.id}/rotate`);
    await server.sql`UPDATE api_keys SET expires_at = now() WHERE id = ${expired.body.id}`;
    const answers = await Promise.all(
      [1, 2, 3].map(() => server.request("POST", `/api/keys/${old.id}/rotate`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const { body } = await server.request("GET", "/api/keys/audit");
    const revoked = body.audit.filter((row: Record<string, string>) => row["action"] === "revoked");
    expect(revoked.map((row: Record<string, string>) => row["key_id"])).toEqual([expired.body.id]);
  });

  test("a revoked key cannot be rotated", async () => {
    const { id } = await createKey({ scope: "read" });
    await server.request("DELETE", `/api/keys/${id}`);
    expect((await server.request("POST", `/api/keys/${id}/rotate`)).status).toBe(409);
  });
});

test("the audit is ordered by number, not by the number's text", async () => {
  await server.sql`
    INSERT INTO key_audit (id, action, actor) OVERRIDING SYSTEM VALUE
    SELECT id, 'created', 'environment' FROM unnest('{9000009, 10000001}'::bigint[]) AS id`;
  const { body } = await server.request("GET", "/api/keys/audit");
  expect(body.audit.map((row: { id: string }) => row.id)).toEqual(["10000001", "9000009"]);
});

test("the audit lists each operation on a key, with its actor and request", async () => {
  const admin = await createKey({ scope: "admin" });
  const made = await as(admin.key, "POST", "/api/keys", { scope: "read", name: "grafana" });
  const rotated = await as(admin.key, "POST", `/api/keys/${made.body.id}/rotate`);
  const revoked = await as(admin.key, "DELETE", `/api/keys/${made.body.id}`);
  const { body } = await server.request("GET", "/api/keys/audit");
  const actor = `key ${admin.id}`;
  expect(
    body.audit.map((row: Record<string, string>) => [row["action"], row["key_id"], row["actor"]]),
  ).toEqual([
    ["revoked", made.body.id, actor],
    ["created", rotated.body.id, actor],
    ["rotated", made.body.id, actor],
    ["created", made.body.id, actor],
    ["created", admin.id, "environment"],
  ]);
  expect(body.audit[0]).toMatchObject({
    key: { name: "grafana", scope: "read", last4: made.body.key.slice(-4), device_id: null },
    actor_key: { scope: "admin", last4: admin.key.slice(-4) },
  });
  expect(body.audit.at(-1)).toMatchObject({ key: { last4: admin.key.slice(-4) }, actor_key: null });
  expect(body.audit[0].request_id).toBe(revoked.headers.get("x-request-id"));
});

async function lastUse(id: string): Promise<string | null> {
  const [row] = await server.sql<{ at: string | null }[]>`
    SELECT last_used_at::text AS at FROM api_keys WHERE id = ${id}`;
  return row?.at ?? null;
}
