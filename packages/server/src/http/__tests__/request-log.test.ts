import { describe, expect, test } from "bun:test";
import pino from "pino";
import { openApp, type SetupOptions, setupApp } from "../../__tests__/setup-app.ts";
import { LOG_LINES_PER_S } from "../middleware.ts";

const server = setupApp();
const REQUESTS = 200;
const OTHER_KEY = `wharf_read_${"z".repeat(43)}`;

/** The lines that these requests leave, sent to an app of its own. */
async function linesOf(
  send: (request: (path: string, headers?: Record<string, string>) => Promise<Response>) => Promise<unknown>,
  options: SetupOptions = {},
) {
  const lines: string[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  const { app, drain } = await openApp(server.url, { ...options, logger });
  const startedAt = performance.now();
  await send((path, headers = {}) => Promise.resolve(app.request(path, { headers })));
  const seconds = Math.ceil((performance.now() - startedAt) / 1000) + 1;
  await drain();
  return { lines, lines_max: seconds * LOG_LINES_PER_S };
}

describe("requests without a key that come in thousands", () => {
  test.each([
    ["to routes that do not exist", (n: number) => `/zzz-${n}${"a".repeat(3_000)}`, {}],
    ["to a probe", () => "/health/live", {}],
    ["with a wrong key", (n: number) => `/api/sessions/${n}`, { authorization: `Bearer ${OTHER_KEY}` }],
    [
      "with a wrong key, to different routes",
      (n: number) => (n % 2 ? "/api/keys" : "/api/limits"),
      { authorization: "Bearer x" },
    ],
  ] as const)("leave a few short lines a second: %s", async (_, pathOf, headers) => {
    const { lines, lines_max } = await linesOf(async (request) => {
      for (let n = 0; n < REQUESTS; n++) await request(pathOf(n), headers);
    });
    expect(lines.length).toBeGreaterThan(0);
    // Two statuses at most: 401, and 429 after too many of them.
    expect(lines.length).toBeLessThanOrEqual(2 * lines_max);
    for (const line of lines) expect(line.length).toBeLessThan(500);
  });
});

describe("a log line", () => {
  const admin = { authorization: `Bearer ${server.key}` };

  test.each([
    "/api/workspaces/https%3A%2F%2Fuser%3Acanary%40host%2Fa%2Fb",
    "/api/workspaces/user:canary@host/a/b.git",
    "/api/nothing/canary@host",
  ])("holds no password of a remote in the path: %s", async (path) => {
    const { lines } = await linesOf((request) => request(path, admin));
    expect(lines).toHaveLength(1);
    expect(lines.join("")).not.toContain("canary");
  });

  test.each([
    ["a key", OTHER_KEY],
    ["a key's random part", "z".repeat(43)],
    ["the beginning of a key", "wharf_read_zzzzzzzz"],
    ["a text that holds one", "id-wharf_read_zzzzzzzz"],
    ["an id that is too long", "a".repeat(37)],
    ["an id with other characters", 'abcdefgh"ijk'],
  ])("has an id of the server's where %s was sent as X-Request-Id", async (_, sent) => {
    const { lines } = await linesOf((request) => request("/api/limits", { ...admin, "x-request-id": sent }));
    expect(lines.join("")).not.toContain(sent);
    expect(JSON.parse(lines[0] ?? "").request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("has the client's id when it is usable", async () => {
    const sent = crypto.randomUUID();
    const { lines } = await linesOf((request) => request("/api/limits", { ...admin, "x-request-id": sent }));
    expect(JSON.parse(lines[0] ?? "").request_id).toBe(sent);
  });
});

describe("an admin key of the environment, which may look like any id", () => {
  const adminKey = "0123456789-abcdef-0123456789-abc";

  test.each([
    ["a path", `/api/sessions/${adminKey}`, {}],
    ["a path with more around it", `/api/sessions/x${adminKey}y/events`, {}],
    ["a path that is cut", `/${"a".repeat(180)}/${adminKey}`, {}],
    ["an id of a request", "/api/limits", { "x-request-id": adminKey }],
    ["an id of a request with more around it", "/api/limits", { "x-request-id": `a${adminKey}z` }],
  ])("is not logged from %s", async (_, path, headers) => {
    const authorization = `Bearer ${adminKey}`;
    const { lines } = await linesOf((request) => request(path, { authorization, ...headers }), {
      environment: { WHARF_ADMIN_KEY: adminKey },
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain(adminKey.slice(0, 16));
  });
});
