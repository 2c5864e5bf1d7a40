import { afterAll, beforeAll, expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import type { Server } from "../compose.ts";
import { createLogger } from "../logger.ts";
import { openApp, setupApp, type TestResponse } from "./setup-app.ts";

const PASSWORD = "canary-password-4711";
const PAYLOAD = "canary-payload-4712";
const KEY = `wharf_admin_${"canary-key-part".padEnd(43, "x")}`;
const QUERY = "canary-query-4714";
const TOKEN = "canary-token-4715";
const COOKIE = "canary-cookie-4716";
/** No program listens on port 1. */
const UNREACHABLE = `postgres://wharf:${PASSWORD}@127.0.0.1:1/wharf`;

const lines: string[] = [];
const logger = createLogger("trace", false, { write: (line) => void lines.push(line) });
const server = setupApp({ logger, limits: { event_bytes: 2_000 } });
let cutOff: Server | undefined;

beforeAll(async () => {
  cutOff = await openApp(UNREACHABLE, { logger });
});
afterAll(async () => {
  await cutOff?.drain();
});

const eventOf = (changes: Record<string, unknown>) => ({
  id: createUlid(),
  type: "system.heartbeat",
  timestamp: "2026-11-22T10:00:00Z",
  device_id: "d",
  workspace_id: "github.com/a/b",
  data: { text: PAYLOAD },
  ...changes,
});

/** Requests that go wrong in as many ways as there are, each with a secret that must not reappear. */
async function provoke(): Promise<TestResponse[]> {
  const id = createUlid();
  const events = [
    eventOf({ id }),
    eventOf({ id, data: { text: `${PAYLOAD} again` } }),
    eventOf({ data: { text: `${PAYLOAD}\u0000` } }),
    eventOf({ data: { text: PAYLOAD.repeat(200) } }),
    eventOf({ timestamp: "yesterday" }),
    eventOf({ type: "session.end", data: { duration_ms: 1e300, end_reason: PAYLOAD } }),
    eventOf({ session_id: PAYLOAD.repeat(100) }),
  ];
  const wrongKey = { authorization: `Bearer ${KEY}` };
  return await Promise.all([
    server.request("POST", "/api/events", { events }),
    server.request("POST", `/api/events?token=${QUERY}`, `{"events":[${PAYLOAD}`),
    server.request("GET", `/api/limits?key=${KEY}&q=${QUERY}`, undefined, wrongKey),
    server.request("DELETE", `/api/keys/${KEY}?q=${QUERY}`),
    server.request("POST", "/api/keys", { scope: PAYLOAD, [PAYLOAD]: 1 }),
    server.request("POST", "/api/sessions", { id: "s", device_id: "d", started_at: PAYLOAD }),
    server.request("GET", `/api/ingest/notes?cursor=${QUERY}`),
    server.request("GET", `/sign-in?token=${TOKEN}`),
    server.request("POST", "/api/sign-in", { token: TOKEN }),
    server.request("POST", "/api/sign-in", { key: KEY, token: TOKEN }),
    server.request("GET", "/api/me", undefined, { authorization: "", cookie: `wharf_sign_in=${COOKIE}` }),
  ]);
}

test("no log line and no metric holds a key, a payload, a query or a password, and no error holds a payload", async () => {
  const answers = await provoke();
  for (const path of ["/api/limits", "/api/health"]) {
    const headers = { authorization: `Bearer wharf_read_${"r".repeat(43)}` };
    const response = await cutOff?.app.request(path, { headers });
    expect(response?.status).toBe(503);
    answers.push({ status: 503, body: await response?.text(), headers: new Headers() });
  }
  expect(answers.every((answer) => answer.status < 500 || answer.status === 503)).toBe(true);
  const metrics = await server.request("GET", "/metrics");
  const log = lines.join("\n");
  expect(log).toContain(`"path":"/api/events"`);
  for (const canary of [PASSWORD, PAYLOAD, KEY, QUERY, TOKEN, COOKIE, "canary-key-part"]) {
    expect(log).not.toContain(canary);
    expect(metrics.body).not.toContain(canary);
  }
  const errors = answers.map((answer) => ({ ...answer.body, instance: "" }));
  for (const canary of [PASSWORD, QUERY, KEY, TOKEN, COOKIE])
    expect(JSON.stringify(errors)).not.toContain(canary);
});
