import { afterEach, describe, expect, test } from "bun:test";
import { DURATION_MS_MAX } from "@wharf/protocol";
import { event, sessionEnd } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();
const REPORT = {
  id: "s1",
  workspace_id: "github.com/acme/site",
  device_id: "d",
  started_at: "2026-03-01T10:00:00Z",
};
const BACKFILL = {
  session_id: "s1",
  workspace_canonical_id: "github.com/acme/site",
  device_id: "d",
  started_at: "2026-03-01T10:00:00Z",
};

afterEach(async () => {
  await server.sql`DROP FUNCTION IF EXISTS refuse CASCADE`;
});

describe("a session of more than ten years is refused", () => {
  const tooLong = { ended_at: "2026-03-01T11:00:00Z", duration_ms: DURATION_MS_MAX + 1 };

  test("in an event, which is rejected by itself", async () => {
    const events = [sessionEnd("s1", { data: { duration_ms: tooLong.duration_ms } }), event()];
    const { body } = await server.request("POST", "/api/events", { events });
    expect(body).toMatchObject({ ingested: 1, rejected: 1 });
    expect(body.errors[0].pointer).toBe("/data/duration_ms");
  });

  test("in a report and in a backfill, with 400", async () => {
    for (const [path, report] of [
      ["/api/sessions", REPORT],
      ["/api/backfill/sessions", BACKFILL],
    ] as const) {
      const { status, body } = await server.request("POST", path, { ...report, ...tooLong });
      expect([status, body.code, body.errors[0].pointer]).toEqual([400, "VALIDATION_FAILED", "/duration_ms"]);
    }
  });

  test("while ten years are taken", async () => {
    const report = { ...REPORT, ...tooLong, duration_ms: DURATION_MS_MAX };
    const { status, body } = await server.request("POST", "/api/sessions", report);
    expect([status, body.session.duration_ms]).toEqual([201, DURATION_MS_MAX]);
  });
});

test.each([
  ["numeric_value_out_of_range", "22003"],
  ["program_limit_exceeded", "54000"],
])("a report that the database refuses as %s gets 400, without the value in it", async (condition, code) => {
  await server.sql.unsafe(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE ${condition} USING MESSAGE = 'no: "secret"'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION refuse()`);
  for (const [path, report] of [
    ["/api/sessions", REPORT],
    ["/api/backfill/sessions", BACKFILL],
  ] as const) {
    const { status, body } = await server.request("POST", path, report);
    expect([status, body.code]).toEqual([400, "VALUE_UNSTORABLE"]);
    expect(body.detail).toContain(code);
    expect(body.detail).not.toContain("secret");
  }
});

describe("the description of an error", () => {
  test("a field that is not there is missing, in an event, its payload and a request", async () => {
    const { id: _, ...withoutId } = event();
    const { timestamp: __, ...withoutTime } = event();
    const { data: ___, ...withoutData } = event();
    const events = [
      withoutId,
      withoutTime,
      withoutData,
      event({ type: "session.start", data: { source: "startup" } }),
      event({ type: "git.merge", data: {} }),
      event({ type: "remote.terminate", data: { instance_id: "i", reason: "ttl" } }),
    ];
    const { body } = await server.request("POST", "/api/events", { events });
    expect(body.errors).toEqual([
      { index: 0, pointer: "/id", error: "is missing" },
      { index: 1, pointer: "/timestamp", error: "is missing" },
      { index: 2, pointer: "/data", error: "is missing" },
      { index: 3, pointer: "/data/cc_session_id", error: "is missing" },
      { index: 4, pointer: "/data/merge_commit", error: "is missing" },
      { index: 5, pointer: "/data/uptime_seconds", error: "is missing" },
    ]);
    const report = await server.request("POST", "/api/sessions", { id: "s", workspace_id: "h.co/a" });
    expect(report.body.detail).toBe("/device_id: is missing");
    expect(report.body.errors).toEqual([
      { pointer: "/device_id", detail: "is missing" },
      { pointer: "/started_at", detail: "is missing" },
    ]);
    const prompts = await server.request("GET", "/api/prompts/pending");
    expect(prompts.body.detail).toBe("/device_id: is missing");
  });

  test("a field that is there and wrong is not missing, and a rule of two fields has its own words", async () => {
    const report = { ...REPORT, workspace_id: undefined, id: null };
    const { body } = await server.request("POST", "/api/sessions", report);
    expect(body.errors[0].detail).toBe("must be a string, not null");
    const without = await server.request("POST", "/api/sessions", { ...REPORT, workspace_id: undefined });
    expect(without.body.detail).toContain("workspace_id or workspace_canonical_id is required");
  });

  test("at most a hundred times, in at most 500 characters", async () => {
    const session_ids = Array(10_000).fill(1);
    const status = await server.request("POST", "/api/sessions/batch-status", { session_ids });
    expect([status.status, status.body.errors.length]).toEqual([400, 100]);
    const keys = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`key${n}`, 1]));
    const unknown = await server.request("POST", "/api/keys", { scope: "read", ...keys });
    expect(unknown.status).toBe(400);
    expect(JSON.stringify(unknown.body).length).toBeLessThan(3_000);
  });
});

test.each([
  ["PATCH", "/api/sessions/s1", { remove_tags: Array(101).fill("a") }, "/remove_tags"],
  ["PATCH", "/api/sessions/s1", { add_tags: Array(101).fill("a") }, "/add_tags"],
  ["POST", "/api/sessions/batch-status", { session_ids: Array(10_001).fill("a") }, "/session_ids"],
  ["POST", "/api/jobs/cancel", { status: Array(11).fill("dead") }, "/status"],
  ["POST", "/api/jobs/retry", { ids: Array(1_001).fill("1") }, "/ids"],
])("%s %s refuses a list that is too long at %j", async (method, path, body, pointer) => {
  const answer = await server.request(method, path, body);
  expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([400, pointer]);
});
