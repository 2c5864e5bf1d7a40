import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PROBLEM_CONTENT_TYPE, problemSchema } from "@wharf/protocol";
import type { Server } from "../compose.ts";
import { problemOf } from "../http/problem.ts";
import { seedExamples } from "../openapi/__tests__/seed-examples.ts";
import { event, ingest, sessionStart } from "./events.ts";
import { openApp, setupApp } from "./setup-app.ts";

const LIMITS = {
  body_bytes: 20_000,
  decompressed_body_bytes: 40_000,
  body_receive_ms: 200,
  batch_events: 6,
  failed_authentications_per_min: 3,
  key_requests_per_s: 2,
  statement_deadline_ms: 500,
};
const server = setupApp({ limits: LIMITS, time: { monotonicMs: () => 0 } });

type Request = {
  method?: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
};

const SESSION = "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41";
const KEY = "/api/keys/01JP9Z000000000000000000K1";
const ENV = { workspace_id: "nowhere", instance_type: "small", region: "here", blueprint: {} };
const REPORT = { id: "s", workspace_id: "github.com/acme/site", device_id: "laptop" };
/** Well formed, but no offset that Postgres knows. */
const FAR_OFF = "2099-01-01T00:00:00+23:59";
const post = (path: string, body: unknown, headers?: Record<string, string>): Request => ({
  method: "POST",
  path,
  body,
  ...(headers === undefined ? {} : { headers }),
});
const ndjson = { "content-type": "application/x-ndjson" };
const gzip = { "content-encoding": "gzip" };

const ERRORS: [status: number, code: string, what: string, request: Request][] = [
  [400, "JSON_MALFORMED", "half a JSON text", post("/api/events", '{"events":[')],
  [400, "VALIDATION_FAILED", "a list where a batch belongs", post("/api/events", [event()])],
  [400, "VALIDATION_FAILED", "a batch without events", post("/api/events", { events: [] })],
  [400, "BATCH_EMPTY", "blank lines", post("/api/events", "\n \n", ndjson)],
  [400, "BATCH_TOO_LARGE", "an event too many", post("/api/events", { events: [1, 2, 3, 4, 5, 6, 7] })],
  [400, "BATCH_TOO_LARGE", "a line too many", post("/api/events", "1\n2\n3\n4\n5\n6\n7", ndjson)],
  [400, "BODY_NOT_DECOMPRESSED", "gzip that is none", post("/api/events", "plain", gzip)],
  [400, "VALIDATION_FAILED", "a report without a start", post("/api/sessions", REPORT)],
  [
    400,
    "VALIDATION_FAILED",
    "an offset of no place",
    post("/api/sessions", { ...REPORT, started_at: FAR_OFF }),
  ],
  [
    400,
    "VALIDATION_FAILED",
    "an expiry of no place",
    post("/api/keys", { scope: "read", expires_at: FAR_OFF }),
  ],
  [400, "VALIDATION_FAILED", "an unknown scope", post("/api/keys", { scope: "root" })],
  [400, "VALIDATION_FAILED", "a limit of none", { path: "/api/sessions?limit=0" }],
  [400, "VALIDATION_FAILED", "a NUL in a parameter", { path: "/api/sessions?tag=%00" }],
  [400, "CURSOR_INVALID", "a cursor of another list", { path: "/api/devices?cursor=abc" }],
  [400, "REFERENCE_UNKNOWN", "a workspace that is none", post("/api/remote-envs", ENV)],
  [400, "WORKSPACE_AMBIGUOUS", "a name of two workspaces", { path: "/api/workspaces/site" }],
  [401, "AUTH_REQUIRED", "no key", { path: "/api/sessions", headers: { authorization: "" } }],
  [401, "ENROLMENT_CODE_REFUSED", "an unknown code", post("/api/devices/enrol", { code: "0000-0000" })],
  [404, "NOT_FOUND", "an unknown session", { path: "/api/sessions/nobody" }],
  [404, "NOT_FOUND", "an unknown key", { method: "DELETE", path: "/api/keys/nobody" }],
  [404, "ROUTE_UNKNOWN", "an unknown route", { path: "/api/nothing" }],
  [405, "METHOD_NOT_ALLOWED", "another method", { method: "PUT", path: "/api/sessions" }],
  [
    409,
    "TRANSCRIPT_MISSING",
    "nothing to parse",
    post("/api/sessions/without-transcript/reparse", undefined),
  ],
  [413, "BODY_TOO_LARGE", "a body too large", post("/api/events", " ".repeat(20_001))],
  [415, "CONTENT_TYPE_UNKNOWN", "XML", post("/api/events", "<e/>", { "content-type": "text/xml" })],
  [415, "BODY_ENCODING_UNKNOWN", "brotli", post("/api/events", "x", { "content-encoding": "br" })],
];

async function expectProblem(request: Request, status: number, code: string) {
  const { method = "GET", path, body, headers } = request;
  const answer = await server.request(method, path, body, headers);
  expect([answer.status, answer.body?.code]).toEqual([status, code]);
  expect(answer.headers.get("content-type")).toBe(PROBLEM_CONTENT_TYPE);
  const problem = problemSchema.parse(answer.body);
  expect(problem).toMatchObject({ status, error: expect.stringMatching(/./), instance: path.split("?")[0] });
  expect(problem.request_id).toBe(answer.headers.get("x-request-id") ?? "");
  expect(problem.detail).not.toMatch(/select|insert|postgres|\bat .*\.ts/i);
  return answer;
}

test.each([["53100"], ["ENOSPC"], ["EDQUOT"]])(
  "a full disk (%s) is 507, also that of the blob store",
  (code) => {
    const problem = problemOf(Object.assign(new Error("full"), { code }));
    expect(problem).toMatchObject({ status: 507, code: "STORAGE_FULL", headers: { "retry-after": "1" } });
  },
);

describe("an error is a problem with a code, a detail and the request's id:", () => {
  test.each(ERRORS)("%d %s for %s", async (status, code, _what, request) => {
    await seedExamples(server);
    if (code === "WORKSPACE_AMBIGUOUS") await ingest(server, [event({ workspace_id: "github.com/b/site" })]);
    if (code === "TRANSCRIPT_MISSING") await ingest(server, [sessionStart("without-transcript")]);
    await expectProblem(request, status, code);
  });

  test("400 VALIDATION_FAILED points to each place that is wrong", async () => {
    const { body } = await expectProblem(
      post("/api/sessions", { ...REPORT, id: "", started_at: "yesterday" }),
      400,
      "VALIDATION_FAILED",
    );
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(new Set(pointers)).toEqual(new Set(["/id", "/started_at"]));
  });

  test("401 names the scheme that is wanted", async () => {
    const { headers } = await expectProblem(
      { path: "/api/limits", headers: { authorization: "" } },
      401,
      "AUTH_REQUIRED",
    );
    expect(headers.get("www-authenticate")).toBe("Bearer");
  });

  test("403 SCOPE_INSUFFICIENT for a key of another scope", async () => {
    const { body } = await server.request("POST", "/api/keys", { scope: "ingest" });
    const headers = { authorization: `Bearer ${body.key}` };
    await expectProblem({ path: "/api/sessions", headers }, 403, "SCOPE_INSUFFICIENT");
  });

  test("409 KEY_NOT_ROTATABLE for a key that was revoked", async () => {
    await seedExamples(server);
    expect((await server.request("DELETE", KEY)).status).toBe(204);
    await expectProblem(post(`${KEY}/rotate`, undefined), 409, "KEY_NOT_ROTATABLE");
  });

  test("410 SESSION_DELETED for a report of a session that was deleted", async () => {
    await seedExamples(server);
    expect((await server.request("DELETE", `/api/sessions/${SESSION}`)).status).toBe(204);
    const report = { ...REPORT, id: SESSION, started_at: "2025-03-14T10:00:00Z" };
    await expectProblem(post("/api/sessions", report), 410, "SESSION_DELETED");
  });

  test("429 RATE_LIMITED with Retry-After for a key that sends too much", async () => {
    const { body } = await server.request("POST", "/api/keys", { scope: "read" });
    const headers = { authorization: `Bearer ${body.key}` };
    for (let i = 0; i < LIMITS.key_requests_per_s; i++)
      expect((await server.request("GET", "/api/limits", undefined, headers)).status).toBe(200);
    const refused = await expectProblem({ path: "/api/limits", headers }, 429, "RATE_LIMITED");
    expect(refused.headers.get("retry-after")).toBe("1");
  });

  test("503 with Retry-After while the server starts and while it drains", async () => {
    const { readiness } = server.current();
    for (const [phase, code] of [
      ["starting", "SERVER_STARTING"],
      ["draining", "SERVER_DRAINING"],
    ] as const) {
      readiness.set(phase);
      const { headers } = await expectProblem({ path: "/api/sessions" }, 503, code);
      expect(headers.get("retry-after")).toBe("1");
    }
    readiness.set("ready");
    expect((await server.request("GET", "/api/sessions")).status).toBe(200);
  });
});

test("`error` has the short texts that earlier clients look for", async () => {
  const unknown = await expectProblem({ path: "/api/sessions/none" }, 404, "NOT_FOUND");
  expect(unknown.body.error).toBe("Session not found");
  const env = await expectProblem({ path: "/api/remote-envs/none" }, 404, "NOT_FOUND");
  expect(env.body.error).toBe("Remote environment not found");
  const anonymous = await expectProblem(
    { path: "/api/limits", headers: { authorization: "" } },
    401,
    "AUTH_REQUIRED",
  );
  expect(anonymous.body.error).toBe("Missing or invalid API key");
});

// The clock stands still, so that what was counted is never forgotten: this one comes last.
test("429 AUTH_TOO_MANY_FAILURES with Retry-After for an address that sends too many wrong keys", async () => {
  const headers = { authorization: `Bearer wharf_read_${"w".repeat(43)}` };
  const statuses: number[] = [];
  for (let i = 0; i <= LIMITS.failed_authentications_per_min; i++)
    statuses.push((await server.request("GET", "/api/limits", undefined, headers)).status);
  expect(statuses).toContain(401);
  const refused = await expectProblem({ path: "/api/limits", headers }, 429, "AUTH_TOO_MANY_FAILURES");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
});

describe("with its database away", () => {
  const NOWHERE = "postgres://nobody@127.0.0.1:1/nothing";
  let lonely: Server;
  beforeAll(async () => {
    lonely = await openApp(NOWHERE, { limits: LIMITS });
  });
  afterAll(async () => {
    await lonely.drain();
  });

  test.each([
    ["GET", "/api/sessions", undefined],
    ["GET", "/api/workspaces/site", undefined],
    ["POST", "/api/keys", { scope: "read" }],
    ["POST", "/api/events", { events: [event()] }],
    ["DELETE", "/api/sessions/one", undefined],
  ] as const)(
    "%s %s is answered by 503 with Retry-After, and says nothing of the database's address",
    async (method, path, body) => {
      const response = await lonely.app.request(path, {
        method,
        headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(problemSchema.parse(JSON.parse(text)).code).toStartWith("STORAGE_");
      expect(text).not.toMatch(/127\.0\.0\.1|nobody|nothing/);
    },
  );
});
