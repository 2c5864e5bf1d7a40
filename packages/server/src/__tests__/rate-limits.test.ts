import { beforeEach, describe, expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { DEFAULT_LIMITS } from "../limits.ts";
import { setupApp } from "./setup-app.ts";

let nowMs = 0;
const server = setupApp({
  limits: { key_requests_per_s: 5, key_events_per_s: 10 },
  time: { monotonicMs: () => nowMs },
});
let key: Record<string, string> = {};

beforeEach(async () => {
  const { body } = await server.request("POST", "/api/keys", { scope: "ingest" });
  key = { authorization: `Bearer ${body.key}` };
});

const batchOf = (count: number) => ({
  events: Array.from({ length: count }, () => ({
    id: createUlid(),
    type: "system.heartbeat",
    timestamp: "2026-11-22T10:00:00Z",
    device_id: "d",
    workspace_id: "github.com/a/b",
    data: {},
  })),
});

describe("requests of a key", () => {
  test("above its limit are answered by 429 with Retry-After, until time has passed", async () => {
    for (let i = 0; i < 5; i++) {
      const { status, headers } = await server.request("GET", "/api/limits", undefined, key);
      expect(status).toBe(200);
      expect(headers.get("ratelimit")).toBe(`"requests";r=${4 - i};t=1`);
      expect(headers.get("ratelimit-policy")).toBe('"requests";q=5;w=1, "events";q=10;w=1');
    }
    const refused = await server.request("GET", "/api/limits", undefined, key);
    expect([refused.status, refused.body.code]).toEqual([429, "RATE_LIMITED"]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(refused.headers.get("ratelimit")).toBe('"requests";r=0;t=1');
    nowMs += 1_000;
    expect((await server.request("GET", "/api/limits", undefined, key)).status).toBe(200);
  });

  test("do not count against another key, and an admin key has no limit", async () => {
    for (let i = 0; i < 6; i++) await server.request("GET", "/api/limits", undefined, key);
    const other = await server.request("POST", "/api/keys", { scope: "ingest" });
    const authorization = `Bearer ${other.body.key}`;
    expect((await server.request("GET", "/api/limits", undefined, { authorization })).status).toBe(200);
    for (let i = 0; i < 20; i++) {
      const { status, headers } = await server.request("GET", "/api/limits");
      expect([status, headers.get("ratelimit")]).toEqual([200, null]);
    }
  });
});

test("events above a key's limit are answered by 429 and not stored", async () => {
  const first = await server.request("POST", "/api/events", batchOf(10), key);
  expect([first.status, first.headers.get("ratelimit")]).toEqual([
    202,
    '"requests";r=4;t=1, "events";r=0;t=1',
  ]);
  const second = await server.request("POST", "/api/events", batchOf(1), key);
  expect([second.status, second.body.code]).toEqual([429, "RATE_LIMITED"]);
  const [row] = await server.sql`SELECT count(*)::int AS stored FROM events`;
  expect(row?.["stored"]).toBe(10);
  nowMs += 1_000;
  expect((await server.request("POST", "/api/events", batchOf(1), key)).status).toBe(202);
});

test("GET /api/limits names every limit as it holds here", async () => {
  const { body } = await server.request("GET", "/api/limits");
  expect(body.limits).toEqual({ ...DEFAULT_LIMITS, key_requests_per_s: 5, key_events_per_s: 10 });
});
