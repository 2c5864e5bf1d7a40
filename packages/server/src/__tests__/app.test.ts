import { expect, test } from "bun:test";
import { setupApp } from "./setup-app.ts";

const server = setupApp();

test("an unknown route gets 404", async () => {
  const { status, body, headers } = await server.request("GET", "/api/nothing-here");
  expect(status).toBe(404);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body.code).toBe("ROUTE_UNKNOWN");
});

test("an unknown method of a known path gets 405 with Allow", async () => {
  for (const [method, path, allow] of [
    ["PUT", "/api/sessions", "GET, HEAD, POST"],
    ["POST", "/api/sessions/some-id", "GET, HEAD, PATCH, DELETE"],
    ["GET", "/api/events", "POST"],
    ["PUT", "/api/workspaces/github.com/acme/site", "GET, HEAD, DELETE"],
    ["DELETE", "/health/live", "GET, HEAD"],
  ] as const) {
    const { status, body, headers } = await server.request(method, path);
    expect([method, path, status, headers.get("allow")]).toEqual([method, path, 405, allow]);
    expect(body).toMatchObject({ code: "METHOD_NOT_ALLOWED", status: 405 });
  }
});

test("a path similar to a known one gets 404 with any method", async () => {
  for (const path of ["/api", "/api/session", "/api/events/ingest/more", "/metrics/x"]) {
    const { status, headers } = await server.request("POST", path);
    expect([path, status, headers.get("allow")]).toEqual([path, 404, null]);
  }
});

test("HEAD responds as GET, without a body", async () => {
  const headers = { authorization: `Bearer ${server.key}` };
  const response = await server.current().app.request("/api/sessions", { method: "HEAD", headers });
  expect([response.status, await response.text()]).toEqual([200, ""]);
});

test("a request without a key is refused", async () => {
  const { status, body } = await server.request("POST", "/api/events", { events: [] }, { authorization: "" });
  expect(status).toBe(401);
  expect(body.code).toBe("AUTH_REQUIRED");
});
