import { afterEach, expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { callerOf } from "../context.ts";

const server = setupApp();
afterEach(() => server.current().readiness.set("ready"));

test.each(["starting", "draining"] as const)(
  "a server that is %s tells of its health and shows its document, and refuses the rest",
  async (phase) => {
    server.current().readiness.set(phase);
    for (const path of ["/health/live", "/api/health", "/docs"])
      expect([path, (await server.request("GET", path)).status]).toEqual([path, 200]);
    for (const path of ["/metrics", "/api/sessions", "/api/nothing", "/api/healthy"])
      expect([path, (await server.request("GET", path)).status]).toEqual([path, 503]);
  },
);

test("what is refused before any route is answered, counted and named like every other request", async () => {
  const { readiness, metrics } = server.current();
  const counted = () => metrics.httpRequests.total("GET", "unmatched", "503");
  const before = counted();
  readiness.set("draining");
  const sent = { "x-request-id": "refused-request" };
  const { headers, body } = await server.request("GET", "/api/sessions?q=1", undefined, sent);
  expect(body).toMatchObject({ request_id: "refused-request", instance: "/api/sessions" });
  expect(headers.get("x-request-id")).toBe("refused-request");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("cache-control")).toBe("no-store");
  expect(counted()).toBe(before + 1);
});

test("requests at the same time keep their ids apart", async () => {
  const ids = Array.from({ length: 50 }, (_, n) => `request-number-${n}`);
  const answers = await Promise.all(
    ids.map((id) => server.request("GET", "/api/nothing", undefined, { "x-request-id": id })),
  );
  expect(answers.map(({ body }) => body.request_id)).toEqual(ids);
  expect(answers.map(({ headers }) => headers.get("x-request-id"))).toEqual(ids);
});

test("a route without a guard that asks for a scope cannot ask who sent its request", () => {
  expect(() => callerOf({ env: { caller: null } })).toThrow("a route without a guard");
});
