import { expect, test } from "bun:test";
import { setupApp } from "./setup-app.ts";

const server = setupApp();

test("an unknown route is a problem with status 404", async () => {
  const { status, body, headers } = await server.request("GET", "/api/nothing-here");
  expect(status).toBe(404);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body.code).toBe("ROUTE_UNKNOWN");
});

test("a request without a key is refused", async () => {
  const { status, body } = await server.request("POST", "/api/events", { events: [] }, { authorization: "" });
  expect(status).toBe(401);
  expect(body.code).toBe("AUTH_REQUIRED");
});
