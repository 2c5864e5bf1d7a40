import { describe, expect, test } from "bun:test";
import { at, event, ingest, sessionStart } from "../../../__tests__/events.ts";
import { openApp, setupApp } from "../../../__tests__/setup-app.ts";
import { createSender } from "./send-file.ts";

const server = setupApp();
const { append, files, send } = createSender(server);

const sessionRow = async () => {
  const [row] = await server.sql`
    SELECT s.device_id, w.canonical_id, s.started_at, s.lifecycle, s.agent, s.title, s.has_only_files
    FROM sessions s JOIN workspaces w ON w.id = s.workspace_id`;
  return row ?? {};
};

async function keyOf(scope: string, device_id?: string): Promise<Record<string, string>> {
  const { body } = await server.request("POST", "/api/keys", { scope, ...(device_id ? { device_id } : {}) });
  return { authorization: `Bearer ${body.key}` };
}

const appendPath = (device: string, session = "s1") =>
  `/api/sessions/${session}/transcript/append?agent=codex&device_id=${device}&file=main.jsonl`;

describe("a file before its session", () => {
  test("makes a session of its device in the workspace that it names", async () => {
    await append("one\n", { workspace: "git@github.com:acme/site.git" });
    expect(await sessionRow()).toMatchObject({
      device_id: "laptop",
      canonical_id: "github.com/acme/site",
      agent: "claude-code",
      has_only_files: true,
    });
    expect((await server.request("GET", "/api/sessions/s1")).body.session).toMatchObject({ id: "s1" });
  });

  for (const workspace of [undefined, "not a remote", "01JP9Z000000000000000000W1"])
    test(`that names ${workspace} makes one without a workspace, until a later file names it`, async () => {
      await append("one\n", workspace === undefined ? {} : { workspace });
      expect(await sessionRow()).toMatchObject({ canonical_id: "_unassociated" });
      await append("two\n", { offset: 4, workspace: "github.com/acme/site" });
      expect(await sessionRow()).toMatchObject({ canonical_id: "github.com/acme/site" });
    });

  test("is counted with its session in the totals of its workspace and device", async () => {
    await append("one\n", { workspace: "github.com/acme/site" });
    const { body } = await server.request("GET", "/api/workspaces");
    expect(body.workspaces[0]).toMatchObject({ session_count: 1 });
  });

  for (const events of [
    [sessionStart("s1", { timestamp: at(0), device_id: "desk", workspace_id: "github.com/acme/shop" })],
    [event({ session_id: "s1", timestamp: at(0), device_id: "desk", workspace_id: "github.com/acme/shop" })],
  ])
    test(`leaves device, workspace and start to the events: ${events[0]?.type}`, async () => {
      await append("one\n", { workspace: "github.com/acme/site" });
      await ingest(server, events);
      await server.projected();
      const expected = {
        device_id: "desk",
        canonical_id: "github.com/acme/shop",
        started_at: new Date(at(0)),
        has_only_files: false,
      };
      expect(await sessionRow()).toMatchObject(expected);
      await append("two\n", { offset: 4, workspace: "github.com/acme/site" });
      expect(await sessionRow()).toMatchObject(expected);
    });

  test("leaves them to an event that is later than the file, too", async () => {
    await append("one\n");
    await ingest(server, [event({ session_id: "s1", timestamp: "2099-01-01T00:00:00Z" })]);
    await server.projected();
    expect(await sessionRow()).toMatchObject({ canonical_id: "github.com/acme/site", has_only_files: false });
  });
});

describe("a key that is bound to a device", () => {
  test("appends its device's files to any session, and changes nothing of the session", async () => {
    await ingest(server, [sessionStart("s1", { timestamp: at(0) })]);
    await server.projected();
    const before = await sessionRow();
    const phone = await keyOf("ingest", "phone");
    const answer = await send(
      "POST",
      `${appendPath("phone")}&workspace_id=github.com/acme/shop`,
      "one\n",
      phone,
    );
    expect(answer).toMatchObject({ status: 202, body: { source_bytes: 4 } });
    expect(Object.keys(answer.body).toSorted()).toEqual([
      "file",
      "generation",
      "source_bytes",
      "source_hash",
      "status",
      "stored_bytes",
    ]);
    expect(await sessionRow()).toEqual(before);
  });

  test("cannot append or upload another device's file, nor list it", async () => {
    await append("one\n");
    const phone = await keyOf("ingest", "phone");
    expect((await send("POST", appendPath("laptop"), "one\n", phone)).status).toBe(403);
    const uploading = "/api/sessions/s1/transcript/upload?device_id=laptop";
    expect((await send("POST", uploading, "one\n", phone)).status).toBe(403);
    const listing = "/api/sessions/s1/transcript/files";
    expect((await send("GET", `${listing}?device_id=laptop`, undefined, phone)).status).toBe(403);
    expect(await send("GET", listing, undefined, phone)).toMatchObject({ status: 200, body: { files: [] } });
    expect(
      (await send("GET", "/api/sessions/s1/transcript/raw?file=main.jsonl", undefined, phone)).status,
    ).toBe(403);
  });

  test("lists its own files, and uploads as its device without naming it", async () => {
    await append("one\n");
    const phone = await keyOf("ingest", "phone");
    const path = "/api/sessions/s1/transcript/upload";
    expect((await send("POST", path, "mine\n", phone)).status).toBe(202);
    const { body } = await send("GET", "/api/sessions/s1/transcript/files", undefined, phone);
    expect(body.files).toMatchObject([{ device_id: "phone", source_bytes: 5 }]);
    expect(await files()).toHaveLength(2);
  });
});

test("an ingest key without a device names the one whose files it lists; a reader sees all", async () => {
  await append("one\n");
  const ingestKey = await keyOf("ingest");
  const path = "/api/sessions/s1/transcript/files";
  expect((await send("GET", path, undefined, ingestKey)).status).toBe(400);
  expect((await send("GET", `${path}?device_id=laptop`, undefined, ingestKey)).body.files).toHaveLength(1);
  const reader = await keyOf("read");
  expect((await send("GET", path, undefined, reader)).body.files).toHaveLength(1);
  expect((await send("GET", "/api/sessions/none/transcript/files", undefined, reader)).status).toBe(404);
  expect((await send("POST", appendPath("laptop"), "x\n", reader)).status).toBe(403);
});

test("a workspace with redaction off keeps what it is sent", async () => {
  const token = `ghp_${"a8Kq2LmZ".repeat(5).slice(0, 36)}`;
  await append("one\n", { workspace: "github.com/acme/site" });
  await server.sql`
    INSERT INTO redaction_switches (workspace_id, is_redacted, actor) SELECT workspace_id, false, 'test' FROM sessions`;
  // A process that has not read the switches yet.
  const process = await openApp(server.url);
  const other = createSender({ current: () => process, key: server.key });
  await other.append(`{"a":"${token}"}\n`, { offset: 4 });
  await other.upload(`{"a":"${token}"}\n`, "device_id=laptop&subagent_id=a1");
  await process.drain();
  for (const file of ["main.jsonl", "subagents/agent-a1.jsonl"])
    expect((await send("GET", `/api/sessions/s1/transcript/raw?file=${file}`)).body).toContain(token);
});
