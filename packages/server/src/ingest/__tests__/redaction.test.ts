import { describe, expect, test } from "bun:test";
import { SECRET_RULES } from "@wharf/redaction";
import { setupApp } from "../../__tests__/setup-app.ts";
import { anEvent, send } from "./event-factory.ts";

const server = setupApp();
const ndjson = { "content-type": "application/x-ndjson" };

function secretOf(id: string): string {
  const rule = SECRET_RULES.find((candidate) => candidate.id === id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  return rule.example_parts.join("");
}
const SECRET = secretOf("github-token");
const MARKER = /^\[REDACTED:github-token:[0-9a-f]{8}\]$/;

type Note = { kind: string; detail: string; body: string | null; event_id: string | null };
const notes = async (): Promise<Note[]> => [
  ...(await server.sql<Note[]>`SELECT kind, detail, body, event_id FROM ingest_notes ORDER BY id`),
];

describe("secrets of events", () => {
  test("are markers when the event is stored, in values, names and JSON inside a text", async () => {
    const data = {
      text: SECRET,
      [SECRET]: { list: [SECRET, 12345678901234567890n.toString()] },
      nested: JSON.stringify({ password: "F4ke-Passw0rd-9x7" }),
      prompt: `use ${SECRET} and ${encodeURIComponent(secretOf("url-password"))}`,
    };
    const event = anEvent({
      data,
      blob_refs: [{ key: `shot-${SECRET}/1.png`, content_type: "image/png", size_bytes: 1 }],
    });
    expect(await send(server, [event])).toMatchObject({ ingested: 1 });
    const [row] = await server.sql<{ data: Record<string, unknown>; text: string }[]>`
      SELECT data, data::text || blob_refs::text AS text FROM events`;
    expect(row?.data["text"]).toMatch(MARKER);
    expect(Object.keys(row?.data ?? {}).filter((key) => MARKER.test(key))).toHaveLength(1);
    for (const secret of [SECRET, "F4ke-Passw0rd-9x7"]) expect(row?.text).not.toContain(secret);
    expect(row?.text).toContain("[REDACTED:url-password:");
  });

  test("are counted by rule in a note, once for an event that is sent twice", async () => {
    const event = anEvent({ data: { a: SECRET, b: SECRET, c: secretOf("npm-token") } });
    expect(await send(server, [event, anEvent()])).toMatchObject({ ingested: 2 });
    expect(await send(server, [event])).toMatchObject({ duplicates: 1 });
    expect(await notes()).toEqual([
      {
        kind: "secrets_replaced",
        detail: '{"github-token":2,"npm-token":1}',
        body: null,
        event_id: event.id,
      },
    ]);
  });

  test("with equal values are equal markers", async () => {
    await send(server, [anEvent({ data: { a: SECRET } }), anEvent({ data: { a: SECRET } })]);
    const rows = await server.sql`SELECT DISTINCT data FROM events`;
    expect(rows).toHaveLength(1);
  });

  test("stay in a workspace whose redaction is off", async () => {
    const [kept, replaced] = ["github.com/acme/kept", "github.com/acme/replaced"];
    await send(server, [anEvent({ workspace_id: kept }), anEvent({ workspace_id: replaced })]);
    await server.sql`
      INSERT INTO redaction_switches (workspace_id, is_redacted, actor)
      SELECT id, canonical_id <> ${kept}, 'environment' FROM workspaces`;
    server.current().ingest.forget();
    const data = { text: SECRET };
    await send(server, [anEvent({ workspace_id: kept, data }), anEvent({ workspace_id: replaced, data })]);
    const rows = await server.sql<{ canonical_id: string; text: string }[]>`
      SELECT canonical_id, data->>'text' AS text FROM events JOIN workspaces w ON w.id = workspace_id WHERE data ? 'text'
      ORDER BY 1`;
    expect([...rows]).toEqual([
      { canonical_id: kept, text: SECRET },
      { canonical_id: replaced, text: expect.stringMatching(MARKER) },
    ]);
  });
});

describe("of rejected events no secret is kept", () => {
  test("in the body, the reason, the pointer or the id", async () => {
    const response = await send(server, [
      { ...anEvent({ data: { text: SECRET } }), timestamp: SECRET },
      { ...anEvent(), id: SECRET },
      { ...anEvent(), type: "session.start", data: { cc_session_id: { [SECRET]: 1 } } },
      { ...anEvent(), data: "x".repeat(70_000) + SECRET },
    ]);
    expect(response.rejected).toBe(4);
    expect(JSON.stringify(response)).not.toContain(SECRET);
    const stored = await notes();
    expect(stored).toHaveLength(4);
    expect(JSON.stringify(stored)).not.toContain(SECRET);
    expect(stored[0]?.body).toContain("[REDACTED:github-token:");
  });

  test("where the kept part ends within the secret", async () => {
    for (const before of [65_500, 65_520, 65_530]) {
      const padding = "word ".repeat(before / 5);
      await send(server, [{ ...anEvent({ data: { text: `${padding}${SECRET}` } }), timestamp: "never" }]);
    }
    const lines = [180, 190, 199].map(
      (length) => `{"t":"${"x ".repeat(length / 2)}${SECRET}${"y".repeat(300)}`,
    );
    await server.request("POST", "/api/events", lines.join("\n"), ndjson);
    const stored = JSON.stringify(await notes());
    expect(await notes()).toHaveLength(6);
    expect(stored).not.toContain(SECRET.slice(0, 6));
  });
});

describe("secrets of reports", () => {
  const report = {
    id: "session-1",
    workspace_canonical_id: "github.com/acme/site",
    device_id: "laptop",
    started_at: "2025-03-14T09:00:00Z",
    cwd: `/home/ada/${SECRET}`,
    git_branch: `fix/${SECRET}`,
    initial_prompt: `log in with ${SECRET}`,
    tags: [SECRET, "plain"],
    metadata: { [SECRET]: { token: SECRET }, size: 1 },
    device_name: SECRET,
  };

  test("are markers in the session, the device, the response and the list", async () => {
    const { status, body } = await server.request("POST", "/api/sessions", report);
    expect(status).toBe(201);
    expect(body.session).toMatchObject({
      id: "session-1",
      git_branch: expect.stringContaining("fix/[REDACTED:"),
    });
    const tables = ["sessions", "session_reports", "devices", "workspace_devices", "workspaces"];
    for (const table of tables) {
      const rows = await server.sql`SELECT t::text AS row FROM ${server.sql(table)} t`;
      expect([table, JSON.stringify(rows).includes(SECRET)]).toEqual([table, false]);
    }
    expect(JSON.stringify(body)).not.toContain(SECRET);
  });

  test("found in transcripts are markers as well", async () => {
    const { id: session_id, initial_prompt: _, tags: __, metadata: ___, ...backfill } = report;
    expect((await server.request("POST", "/api/backfill/sessions", { session_id, ...backfill })).status).toBe(
      201,
    );
    const rows = await server.sql`SELECT t::text AS row FROM session_reports t`;
    expect(JSON.stringify(rows)).toContain("[REDACTED:github-token:");
    expect(JSON.stringify(rows)).not.toContain(SECRET);
  });

  test("and of an admin's change: a tag is removed by the text that was sent", async () => {
    await server.request("POST", "/api/sessions", { ...report, tags: [] });
    const change = (body: object) => server.request("PATCH", "/api/sessions/session-1", body);
    const added = await change({ add_tags: [SECRET], summary: `Leaks ${SECRET} twice` });
    expect(added.body.session).toMatchObject({
      tags: [expect.stringMatching(MARKER)],
      summary: expect.stringMatching(/^Leaks \[REDACTED:github-token:[0-9a-f]{8}\] twice$/),
    });
    expect((await change({ remove_tags: [SECRET] })).body.session).toMatchObject({ tags: [] });
  });
});
