import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createMarker, createRedactor } from "@wharf/redaction";
import { type Fact, opencode, readRecord } from "@wharf/transcripts";
import { CASES } from "../../../../transcripts/src/__tests__/read-file.ts";
import type { Append } from "../../sdk/transcripts.ts";
import type { ShareLevel } from "../../share/rules.ts";
import { planBackfill, runBackfill } from "../backfill.ts";
import { openFileStates } from "../file-state.ts";
import { findOpencodeSessions } from "../opencode/find-sessions.ts";

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

const HOUR_MS = 3_600_000;
const LONG_AGO_MS = 1_789_030_800_000;

/** A machine whose opencode has a database of both versions, in WAL mode and open. */
async function machineWithDatabase() {
  const home = await newHome();
  const path = join(home, ".local/share/opencode/opencode.db");
  await mkdir(dirname(path), { recursive: true });
  const database = new Database(path);
  database.run("PRAGMA journal_mode = WAL");
  database.run(await Bun.file(join(CASES, "29-opencode-two-generations-and-fork/opencode.sql")).text());
  return { home, path, database };
}

async function newHome(): Promise<string> {
  const home = await realpath(await mkdtemp(join(tmpdir(), "wharf-opencode-")));
  folders.push(home);
  return home;
}

/** What the hub was sent: by session, the bytes of its latest generation. */
function hubOf(home: string) {
  const held = new Map<string, { generation: number; text: string }>();
  async function append({ session_id, file, offset, bytes, generation = 1, source }: Append) {
    const before = held.get(session_id);
    const text = new TextDecoder().decode(bytes);
    held.set(session_id, { generation, text: offset === 0 ? text : (before?.text ?? "") + text });
    return {
      file,
      generation,
      source_bytes: source?.bytes ?? 0,
      source_hash: source?.hash ?? null,
      stored_bytes: bytes.length,
      status: "appended" as const,
    };
  }
  async function backfill(options: { level?: ShareLevel; sqlite?: null; since_ms?: number } = {}) {
    const { level = "full", sqlite, since_ms } = options;
    const { found, unread } = await findOpencodeSessions({}, home, since_ms, sqlite);
    const sending = {
      transcripts: { append },
      states: openFileStates(join(home, "states"), "https://hub"),
      redactor: createRedactor({ mark: createMarker("secret of the hub") }),
      device_id: "laptop",
      shareOf: async () => level,
      workspaceOf: async () => "site",
    };
    const plan = await planBackfill(found, sending);
    const result = await runBackfill(plan, { ...sending, directory: home });
    return { unread, order: found.map(({ session_id }) => session_id), plan, result };
  }
  const factsOf = (session_id: string): Fact[] => {
    const state = opencode.begin({ session_id, file: "rows.jsonl" });
    return (held.get(session_id)?.text ?? "").split("\n").flatMap((line, index) => {
      const read = readRecord(line);
      return read.line === "record" ? opencode.read(state, read.record, index + 1) : [];
    });
  };
  const promptsOf = (session_id: string) =>
    factsOf(session_id).flatMap((fact) =>
      fact.fact === "message" && fact.message.kind !== "assistant"
        ? fact.message.blocks.flatMap(({ text }) => text ?? [])
        : [],
    );
  return { held, backfill, factsOf, promptsOf };
}

test("each session of the database is sent once, newest first, while opencode has it open", async () => {
  const { home, database } = await machineWithDatabase();
  const hub = hubOf(home);
  const { order, result } = await hub.backfill();
  expect(order.slice(0, 2)).toEqual(["ses_d", "ses_b"]);
  expect(order.toSorted()).toEqual(["ses_a", "ses_b", "ses_c", "ses_d"]);
  expect(result).toMatchObject({ sent: 4 });
  expect(hub.promptsOf("ses_a")).toEqual(["Fix it"]);
  expect(hub.promptsOf("ses_d")).toEqual(["New style", "note"]);
  expect(hub.factsOf("ses_d")).toContainEqual(expect.objectContaining({ fact: "response" }));
  expect(hub.factsOf("ses_a")).toContainEqual(
    expect.objectContaining({ fact: "place", cwd: "/home/dev/demo" }),
  );
  expect((await hub.backfill()).plan).toMatchObject({ files: 4, held_files: 4, pending: [] });
  // No lock stays.
  database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  database.run("DELETE FROM session WHERE id = 'ses_c'");
  database.close();
  expect((await hub.backfill()).plan).toMatchObject({ files: 3, pending: [] });
  expect((await readdir(home)).filter((name) => name.startsWith("unpacked-"))).toEqual([]);
});

test("a session that has gained messages is sent from there on, and a changed row makes the next generation", async () => {
  const { home, database } = await machineWithDatabase();
  const hub = hubOf(home);
  await hub.backfill();
  const before = hub.held.get("ses_a");
  const time = LONG_AGO_MS + HOUR_MS;
  database.run(`INSERT INTO message VALUES('msg_a8', 'ses_a', ${time}, ${time}, '{"role":"user"}')`);
  database.run(
    `INSERT INTO part VALUES('prt_a8', 'msg_a8', 'ses_a', ${time}, ${time}, '{"type":"text","text":"Now document it"}')`,
  );
  const { order, result } = await hub.backfill();
  expect(order[0]).toBe("ses_a");
  expect(result).toMatchObject({ sent: 1, unchanged: 0 });
  const after = hub.held.get("ses_a");
  expect(after?.generation).toBe(1);
  expect(after?.text).toStartWith(before?.text ?? "-");
  expect(hub.promptsOf("ses_a")).toEqual(["Fix it", "Now document it"]);
  // A change that shows in no line.
  database.run(
    `UPDATE message SET time_updated = ${time + 1}, data = '{"role":"user","summary":{"diffs":[]}}' WHERE id = 'msg_a8'`,
  );
  expect((await hub.backfill()).result).toMatchObject({ sent: 0, unchanged: 1 });
  database.run(`UPDATE part SET time_updated = ${time + 2}, data = '{"type":"text","text":"Rewritten"}'`);
  expect((await hub.backfill()).result).toMatchObject({ sent: 3 });
  expect(hub.held.get("ses_a")?.generation).toBe(2);
});

test("an answer that is being written is sent when it is complete, or when the session is quiet", async () => {
  const { home, database } = await machineWithDatabase();
  const hub = hubOf(home);
  const insert = (n: number, time: number, data: object) =>
    database.run("INSERT INTO message VALUES(?, 'ses_n', ?, ?, ?)", [
      `msg_${n}`,
      time,
      time,
      JSON.stringify(data),
    ]);
  const begin = (time: number) =>
    database.run(
      `INSERT INTO session (id, directory, time_created, time_updated) VALUES('ses_n', '/site', ?, ?)`,
      [time, time],
    );
  const idsOf = () =>
    hub.factsOf("ses_n").flatMap((fact) => (fact.fact === "message" ? [fact.message.key] : []));
  const now = Date.now();
  begin(now);
  insert(1, now, { role: "user" });
  insert(2, now + 1, { role: "assistant", time: { created: now + 1 } });
  insert(3, now + 2, { role: "user" });
  await hub.backfill();
  expect(idsOf()).toEqual(["msg_1"]);
  for (const [table, id] of [
    ["message", "session_id"],
    ["session", "id"],
  ])
    database.run(`UPDATE ${table} SET time_updated = time_updated - ${HOUR_MS} WHERE ${id} = 'ses_n'`);
  await hub.backfill();
  expect(idsOf()).toEqual(["msg_1", "msg_2", "msg_3"]);
});

test("with the level facts, prompts and answers stay here, and tokens, tools and exit codes are sent", async () => {
  const { home, database } = await machineWithDatabase();
  database.run(`UPDATE part SET data = '{"type":"text","text":"the canary sings"}' WHERE id = 'prt_a1'`);
  const hub = hubOf(home);
  await hub.backfill({ level: "facts" });
  const sent = [...hub.held.values()].map(({ text }) => text).join("");
  expect(sent).not.toMatch(/canary|make|boom|New style/);
  expect(sent).toContain('"exit":2');
  expect(hub.factsOf("ses_d")).toContainEqual(
    expect.objectContaining({
      fact: "response",
      response: expect.objectContaining({ model: "gpt-6-sol" }),
    }),
  );
});

test("without SQLite the files of older versions are sent, as the rows that they became", async () => {
  const { home, path } = await machineWithDatabase();
  const storage = join(dirname(path), "storage");
  const files = {
    "session/global/ses_s.json": {
      id: "ses_s",
      projectID: "global",
      directory: "/home/dev/demo",
      title: "Stored",
      version: "0.9.0",
      time: { created: LONG_AGO_MS, updated: LONG_AGO_MS + 5 },
    },
    "message/ses_s/msg_s2.json": {
      id: "msg_s2",
      sessionID: "ses_s",
      role: "assistant",
      modelID: "claude-sonnet-5",
      tokens: { input: 5, output: 6, reasoning: 0, cache: { read: 0, write: 0 } },
      time: { created: LONG_AGO_MS + 2, completed: LONG_AGO_MS + 3 },
    },
    "message/ses_s/msg_s1.json": {
      id: "msg_s1",
      sessionID: "ses_s",
      role: "user",
      time: { created: LONG_AGO_MS + 1 },
    },
    "part/msg_s1/prt_s1.json": {
      id: "prt_s1",
      sessionID: "ses_s",
      messageID: "msg_s1",
      type: "text",
      text: "Stored prompt",
    },
  };
  for (const [name, value] of Object.entries(files))
    await Bun.write(join(storage, name), JSON.stringify(value));
  await Bun.write(join(storage, "message/ses_s/msg_s9.json"), '{"id": "msg_s9", ');
  const hub = hubOf(home);
  const { order, unread, result } = await hub.backfill({ sqlite: null });
  expect(order).toEqual(["ses_s"]);
  expect(unread).toEqual([{ path, reason: "no SQLite", message: "this runtime has no SQLite" }]);
  expect(result).toMatchObject({ sent: 1 });
  expect(hub.promptsOf("ses_s")).toEqual(["Stored prompt"]);
  expect(hub.factsOf("ses_s")).toContainEqual(expect.objectContaining({ fact: "title", text: "Stored" }));
  expect(hub.factsOf("ses_s")).toContainEqual(expect.objectContaining({ fact: "response" }));
  expect((await hub.backfill({ sqlite: null })).plan).toMatchObject({ held_files: 1, pending: [] });
  // Where the database can be read, it has all of them.
  expect((await hub.backfill()).order).not.toContain("ses_s");
});

test("a damaged database is named with the reason, and holds up nothing", async () => {
  const home = await newHome();
  const path = join(home, ".local/share/opencode/opencode-dev.db");
  await Bun.write(path, "no database, and long enough to look like one".repeat(50));
  const { unread, plan } = await hubOf(home).backfill();
  expect(plan.pending).toEqual([]);
  expect(unread).toEqual([{ path, reason: "failed", message: expect.stringContaining("not a database") }]);
});
