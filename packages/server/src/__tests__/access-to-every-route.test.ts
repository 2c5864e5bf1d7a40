import { expect, test } from "bun:test";
import type { KeyScope } from "@wharf/protocol";
import { clearRows } from "@wharf/testkit";
import type { Operation } from "../http/operation.ts";
import { createKey } from "../keys/api-key.ts";
import { operations } from "../openapi/__tests__/described-routes.ts";
import { exampleRequest } from "../openapi/__tests__/example-request.ts";
import { seedExamples } from "../openapi/__tests__/seed-examples.ts";
import { setupApp } from "./setup-app.ts";

const server = setupApp({ limits: { failed_authentications_per_min: 1_000_000 } });

/** What a key of another device gets for the examples, which are all the laptop's. An event is rejected by itself. */
const OF_ANOTHER_DEVICE: Record<string, number> = {
  "POST /api/events": 202,
  "POST /api/events/ingest": 202,
  "POST /api/sessions": 403,
  "POST /api/backfill/sessions": 403,
  "GET /api/prompts/pending": 403,
  "POST /api/prompts/dismiss": 403,
  "GET /api/limits": 200,
  "GET /api/me": 200,
};

async function keyOf(wanted: { scope: KeyScope; device_id?: string }): Promise<string> {
  return (await server.request("POST", "/api/keys", wanted)).body.key;
}

async function revokedKey(): Promise<string> {
  const { body } = await server.request("POST", "/api/keys", { scope: "admin" });
  await server.request("DELETE", `/api/keys/${body.id}`);
  return body.key;
}

async function expiredKey(): Promise<string> {
  const { body } = await server.request("POST", "/api/keys", { scope: "admin" });
  await server.sql`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = ${body.id}`;
  return body.key;
}

/** Values of the Authorization header that no route takes. */
async function worthless(): Promise<Record<string, string>> {
  return {
    "no key": "",
    "another scheme": `Basic ${btoa(`admin:${server.key}`)}`,
    "text that is no key": "Bearer letmein",
    "an unknown key": `Bearer ${createKey("admin").key}`,
    "a revoked key": `Bearer ${await revokedKey()}`,
    "an expired key": `Bearer ${await expiredKey()}`,
  };
}

async function send(name: string, operation: Operation, authorization: string) {
  const { method, url, body } = exampleRequest(name, operation);
  return await server.request(method, url, body, { authorization });
}

async function seedAnew(): Promise<void> {
  await clearRows(server.sql);
  server.current().access.forgetKeys();
  await seedExamples(server);
}

for (const [name, operation] of Object.entries(operations)) {
  test(`${name} answers 401 to a worthless key, unless it is open to everyone`, async () => {
    const expected = operation.scopes.length === 0 ? operation.example.status : 401;
    for (const [who, authorization] of Object.entries(await worthless())) {
      if (expected !== 401) await seedAnew();
      const { status, body } = await send(name, operation, authorization);
      expect([who, status]).toEqual([who, expected]);
      if (expected === 401) expect(body.code).toBe("AUTH_REQUIRED");
    }
  });

  test(`${name} takes keys of its scopes and admin keys, and answers 403 to others`, async () => {
    const scopes = operation.scopes;
    for (const scope of ["ingest", "read", "admin"] as const) {
      await seedAnew();
      const isAllowed = scopes.length === 0 || scope === "admin" || scopes.includes(scope);
      const { status } = await send(name, operation, `Bearer ${await keyOf({ scope })}`);
      expect([scope, status]).toEqual([scope, isAllowed ? operation.example.status : 403]);
    }
  });

  test(`${name} keeps a key that is bound to one device from the things of another`, async () => {
    await seedAnew();
    const scopes = operation.scopes;
    const own = await keyOf({ scope: "ingest", device_id: "laptop" });
    const other = await keyOf({ scope: "ingest", device_id: "phone" });
    const isOpen = scopes.length === 0;
    const expected = isOpen ? operation.example.status : (OF_ANOTHER_DEVICE[name] ?? 403);
    const answer = await send(name, operation, `Bearer ${other}`);
    expect(answer.status).toBe(expected);
    if (name.startsWith("POST /api/events")) expect(answer.body).toMatchObject({ ingested: 0, rejected: 1 });
    if (isOpen) return;
    const { status } = await send(name, operation, `Bearer ${own}`);
    expect(status).toBe(scopes.includes("ingest") ? operation.example.status : 403);
  });
}
