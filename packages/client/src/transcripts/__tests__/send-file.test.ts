import { afterEach, describe, expect, test } from "bun:test";
import { appendFile, chmod, mkdir, readdir, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import type { TranscriptFile } from "@wharf/protocol";
import { createMarker, createRedactor } from "@wharf/redaction";
import { until } from "@wharf/testkit";
import { chainHashOf } from "@wharf/transcripts";
import { problem, setupFaultyHub } from "../../__tests__/faulty-hub.ts";
import { useMachine } from "../../__tests__/machine.ts";
import { HubError } from "../../sdk/hub-error.ts";
import type { Append } from "../../sdk/transcripts.ts";
import { planBackfill, runBackfill } from "../backfill.ts";
import { cleanupDaysIn } from "../deletion-times.ts";
import { type LocalFile, openFileStates } from "../file-state.ts";
import { agentFolders, findTranscripts } from "../find-transcripts.ts";
import { sendFile } from "../send-file.ts";
import { unpackZstd } from "../send-unpacked.ts";
import { filesOfSession } from "../session-files.ts";
import { createTails, createWorkspaceOf } from "../tails.ts";

const hub = setupFaultyHub();
const machine = useMachine();
let count = 0;

afterEach(() => rm(machine.paths.transcripts, { recursive: true, force: true }));

function dependencies(onAppend: (append: Append) => void = () => {}) {
  const { transcripts } = hub.client();
  const append: typeof transcripts.append = (request) => {
    onAppend(request);
    return transcripts.append(request);
  };
  const { findPlace } = machine.dependencies();
  return {
    transcripts: { append },
    states: openFileStates(machine.paths.transcripts, hub.url),
    redactor: createRedactor({ mark: createMarker("secret of the hub") }),
    device_id: "laptop",
    findPlace,
    workspaceOf: createWorkspaceOf(findPlace, () => null),
  };
}

async function newFile(content: string | Uint8Array, kind: LocalFile["kind"] = "main"): Promise<LocalFile> {
  count += 1;
  const path = join(machine.home, `${count}.jsonl`);
  await writeFile(path, content);
  return { agent: "claude-code", session_id: `s-${count}`, file: "main.jsonl", kind, path };
}

const line = (n: number, text = "x") =>
  `${JSON.stringify({ type: "user", uuid: `u${n}`, timestamp: "2026-03-14T10:00:00Z", message: { content: `${text} ${n}` } })}\n`;

async function heldOf({ session_id }: LocalFile): Promise<TranscriptFile[]> {
  return hub.client().transcripts.files(session_id);
}

async function expectHeld(file: LocalFile, generation = 1): Promise<void> {
  const bytes = await Bun.file(file.path).bytes();
  expect(await heldOf(file)).toMatchObject([
    { generation, source_bytes: bytes.length, source_hash: chainHashOf(bytes) },
  ]);
}

async function rawOf(file: LocalFile): Promise<string> {
  return (await hub.client().transcripts.raw(file.session_id, { file: file.file })).text();
}

describe("a transcript file", () => {
  test("is sent once, then what it gains, and the hub's hash is that of the file", async () => {
    const file = await newFile(line(1) + line(2));
    const offsets: number[] = [];
    const sending = dependencies(({ offset }) => offsets.push(offset));
    expect(await sendFile(sending, file)).toMatchObject({ status: "sent" });
    expect(await sendFile(sending, file)).toEqual({ status: "unchanged", sent: 0 });
    await appendFile(file.path, line(3));
    expect(await sendFile(sending, file)).toEqual({ status: "sent", sent: line(3).length });
    expect(offsets).toEqual([0, line(1).length * 2]);
    await expectHeld(file);
    expect(await rawOf(file)).toBe(line(1) + line(2) + line(3));
  });

  test("waits with a line that is still written", async () => {
    const file = await newFile(line(1) + line(2).slice(0, 20));
    expect(await sendFile(dependencies(), file)).toEqual({ status: "sent", sent: line(1).length });
    await appendFile(file.path, line(2).slice(20));
    await sendFile(dependencies(), file);
    await expectHeld(file);
  });

  test("leaves this machine without its secrets, and its hash stays that of the file", async () => {
    const token = ["ghp", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].join("_");
    const file = await newFile(line(1, token) + line(2, "é"));
    const bodies: string[] = [];
    await sendFile(
      dependencies(({ bytes }) => bodies.push(new TextDecoder().decode(bytes))),
      file,
    );
    expect(bodies.join()).not.toContain(token);
    expect(bodies.join()).toContain("[REDACTED:");
    await expectHeld(file);
  });

  test("of 9 MB is sent in parts, and continues after a fault in the middle", async () => {
    const file = await newFile(Array.from({ length: 900 }, (_, n) => line(n, "y".repeat(10_000))).join(""));
    hub.state.fault = (_, n) => (n === 2 ? problem(500) : null);
    await expect(sendFile(dependencies(), file)).rejects.toThrow("The test wants it.");
    const offsets: number[] = [];
    await sendFile(
      dependencies(({ offset }) => offsets.push(offset)),
      file,
    );
    expect(offsets[0]).toBeGreaterThan(4_000_000);
    await expectHeld(file);
  });

  test.each(["request lost", "response lost"] as const)("is held once after a %s", async (fault) => {
    const file = await newFile(line(1) + line(2));
    hub.state.fault = () => fault;
    await expect(sendFile(dependencies(), file)).rejects.toThrow();
    hub.state.fault = () => null;
    await appendFile(file.path, line(3));
    await sendFile(dependencies(), file);
    await expectHeld(file);
    expect(await rawOf(file)).toBe(line(1) + line(2) + line(3));
  });

  test("that was rewritten or became shorter is the next generation", async () => {
    const file = await newFile(line(1) + line(2));
    await sendFile(dependencies(), file);
    await writeFile(file.path, line(7) + line(8) + line(9));
    await sendFile(dependencies(), file);
    await expectHeld(file, 2);
    await writeFile(file.path, line(1));
    await sendFile(dependencies(), file);
    await expectHeld(file, 3);
  });

  test("whose state was lost is compared with what the hub holds", async () => {
    const file = await newFile(line(1) + line(2));
    await sendFile(dependencies(), file);
    await rm(machine.paths.transcripts, { recursive: true });
    await appendFile(file.path, line(3));
    await sendFile(dependencies(), file);
    await expectHeld(file);
    await rm(machine.paths.transcripts, { recursive: true });
    await writeFile(file.path, line(4));
    await sendFile(dependencies(), file);
    await expectHeld(file, 2);
  });

  test("is sent in smaller parts after 413 and 422, and set aside when the smallest is refused", async () => {
    const file = await newFile(Array.from({ length: 100 }, (_, n) => line(n, "z".repeat(10_000))).join(""));
    const sizes: number[] = [];
    hub.state.fault = () => ((sizes.at(-1) ?? 0) > 300_000 ? problem(sizes.length % 2 ? 413 : 422) : null);
    await sendFile(
      dependencies(({ bytes }) => sizes.push(bytes.length)),
      file,
    );
    await expectHeld(file);
    const refused = await newFile(line(1));
    hub.state.fault = () => problem(413);
    expect(await sendFile(dependencies(), refused)).toMatchObject({ status: "set_aside", sent: 0 });
    hub.state.fault = () => null;
    expect(await sendFile(dependencies(), refused)).toMatchObject({ status: "set_aside", sent: 0 });
    await appendFile(refused.path, line(2));
    expect(await sendFile(dependencies(), refused)).toMatchObject({ status: "sent" });
  });

  test("counts as sent only by a response that holds it", async () => {
    const file = await newFile(line(1));
    const append = (held: unknown) => Response.json(held);
    const conflict = (held: unknown) =>
      Response.json({ code: "TRANSCRIPT_CONFLICT", detail: "Held.", held }, { status: 409 });
    for (const response of [
      append(null),
      append({}),
      append({ generation: 1 }),
      append({ generation: "1", source_bytes: line(1).length }),
      append({ generation: 1, source_bytes: line(1).length - 1 }),
      new Response(null, { status: 204 }),
      conflict(5),
      conflict({ generation: 1, source_bytes: -5, source_hash: null }),
    ]) {
      hub.state.fault = (path) => (path.endsWith("/append") ? response : null);
      await expect(sendFile(dependencies(), file)).rejects.toBeInstanceOf(HubError);
    }
    hub.state.fault = () => null;
    expect(await sendFile(dependencies(), file)).toEqual({ status: "sent", sent: line(1).length });
    await expectHeld(file);
  });

  test("of a deleted session is never sent again", async () => {
    const file = await newFile(line(1));
    await sendFile(dependencies(), file);
    await hub.server.request("DELETE", `/api/sessions/${file.session_id}`);
    await appendFile(file.path, line(2));
    expect((await sendFile(dependencies(), file)).status).toBe("deleted");
    const requests = hub.state.requests.length;
    await appendFile(file.path, line(3));
    expect((await sendFile(dependencies(), file)).status).toBe("deleted");
    expect(hub.state.requests.length).toBe(requests);
  });

  test("that is small is sent whole, each version as a generation", async () => {
    const file = await newFile('{"agentType":"a"', "meta");
    await sendFile(dependencies(), file);
    await writeFile(file.path, '{"agentType":"a","model":"b"}');
    await sendFile(dependencies(), file);
    await expectHeld(file, 2);
  });

  test("may be gone", async () => {
    const file = await newFile("");
    await rm(file.path);
    expect(await sendFile(dependencies(), file)).toEqual({ status: "gone", sent: 0 });
  });

  test("may be replaced by a directory, a pipe or a link to a device", async () => {
    const file = await newFile("");
    for (const replace of [
      () => mkdir(file.path),
      () => Bun.spawn(["mkfifo", file.path]).exited,
      () => symlink("/dev/zero", file.path),
      () => symlink(file.path, file.path),
    ]) {
      await rm(file.path, { recursive: true });
      await replace();
      expect(await sendFile(dependencies(), file)).toEqual({ status: "gone", sent: 0 });
    }
    expect(await cleanupDaysIn(file.path)).toBe(null);
  });

  test.skipIf(process.getuid?.() === 0)("may be of another user, and holds up no other", async () => {
    const folder = join(machine.home, "others/projects");
    for (const name of ["-a/s-a.jsonl", "-b/agent-b.jsonl", "-c/s-c.jsonl"]) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), line(1));
    }
    await chmod(join(folder, "-a"), 0);
    await chmod(join(folder, "-b/agent-b.jsonl"), 0);
    const found = await findTranscripts([{ agent: "claude-code", folders: [folder] }]);
    expect(found.map(({ session_id }) => session_id)).toEqual(["s-c"]);
    await chmod(join(folder, "-a"), 0o700);
  });

  test("has a line without an end, and is sent up to it", async () => {
    const file = await newFile(line(1));
    await truncate(file.path, 10 * 1024 ** 3);
    expect(await sendFile(dependencies(), file)).toEqual({
      status: "set_aside",
      sent: line(1).length,
      reason: expect.stringContaining("a line of it is longer than"),
    });
    expect(await rawOf(file)).toBe(line(1));
  });

  test("has a line of 33 MB, which is kept as its size and hash", async () => {
    const file = await newFile(line(1) + line(2, "w".repeat(33 * 1024 * 1024)) + line(3));
    await sendFile(dependencies(), file);
    await expectHeld(file);
    expect(await rawOf(file)).toContain('"wharf_oversized_line"');
  });
});

test("a session of Claude Code has files of subagents, workflows and results", async () => {
  const folder = join(machine.home, ".claude/projects/-home-ada-site");
  const files = {
    "s-tree.jsonl": line(1),
    "s-tree/subagents/agent-a1.jsonl": line(2),
    "s-tree/subagents/agent-a1.meta.json": "{}",
    "s-tree/subagents/agent-a2.orphaned.jsonl": line(2),
    "s-tree/subagents/workflows/w1/agent-a3.jsonl": line(3),
    "s-tree/subagents/workflows/w1/journal.jsonl": "{}\n",
    "s-tree/tool-results/t1.txt": "much",
    "agent-old.jsonl": `${JSON.stringify({ sessionId: "s-tree", type: "user" })}\n`,
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const codex = "rollout-2026-09-10T09-00-00-019a0000-0000-7000-8000-00000000002a";
  await mkdir(join(machine.home, ".codex/sessions/2026/09/10"), { recursive: true });
  await writeFile(join(machine.home, `.codex/sessions/2026/09/10/${codex}.jsonl`), line(1));
  await writeFile(join(machine.home, `.codex/sessions/2026/09/10/${codex}_2.jsonl`), line(1));
  const desktop = join(machine.home, "Library/Application Support/Claude/local-agent-mode-sessions/a/b");
  await mkdir(join(desktop, "projects/-site"), { recursive: true });
  await writeFile(join(desktop, "projects/-site/s-desktop.jsonl"), line(1));
  await writeFile(join(desktop, "audit.jsonl"), line(1));
  const found = await findTranscripts(agentFolders({}, machine.home));
  const named = found.map(({ agent, session_id, file, kind }) => [agent, session_id, file, kind].join(" "));
  expect(named.sort()).toEqual([
    "claude-code s-desktop main.jsonl main",
    "claude-code s-tree agent-old.jsonl subagent",
    "claude-code s-tree main.jsonl main",
    `codex 019a0000-0000-7000-8000-00000000002a ${codex}.jsonl main`,
    `codex 019a0000-0000-7000-8000-00000000002a ${codex}_2.jsonl main`,
  ]);
  const session = { agent: "claude-code", session_id: "s-tree" };
  const listed = await filesOfSession(session, join(folder, "s-tree.jsonl"));
  expect(listed.map(({ file, kind }) => `${file} ${kind}`)).toEqual([
    "main.jsonl main",
    "subagents/agent-a1.jsonl subagent",
    "subagents/agent-a1.meta.json meta",
    "subagents/workflows/w1/agent-a3.jsonl subagent",
    "subagents/workflows/w1/journal.jsonl index",
    "tool-results/t1.txt tool-result",
  ]);
});

describe("a backfill", () => {
  const thread = "019a0000-0000-7000-8000-0000000000aa";
  const rollout = `rollout-2026-09-10T09-00-00-${thread}.jsonl`;
  const backfill = async (home: string, canUnpack?: boolean) => {
    const found = await findTranscripts(agentFolders({}, home));
    const plan = await planBackfill(found, dependencies(), canUnpack === undefined ? {} : { canUnpack });
    return { plan, result: await runBackfill(plan, { ...dependencies(), directory: machine.data }) };
  };

  test("unpacks files of Codex, and sends what the hub lacks of the file before", async () => {
    const home = join(machine.home, "packed");
    const path = join(home, ".codex/sessions/2026/09/10", rollout);
    await mkdir(dirname(path), { recursive: true });
    const content = `${JSON.stringify({ type: "session_meta", payload: { id: thread, cwd: machine.home } })}\n${line(1)}`;
    await writeFile(path, content);
    expect((await backfill(home)).result).toMatchObject({ sent: 1 });
    const whole = content + line(2);
    await writeFile(`${path}.zst`, zstdCompressSync(Buffer.from(whole)));
    expect((await backfill(home)).plan).toMatchObject({ files: 1, held_files: 1 });
    await rm(path);
    expect(await backfill(home, false)).toMatchObject({ plan: { packed_files: 1 }, result: { sent: 0 } });
    expect((await backfill(home)).result).toMatchObject({ sent: 1, bytes: line(2).length });
    expect((await backfill(home)).plan).toMatchObject({ held_files: 1, pending: [] });
    const [held] = await hub.client().transcripts.files(thread);
    expect(held).toMatchObject({
      file: rollout,
      generation: 1,
      source_hash: chainHashOf(Buffer.from(whole)),
    });
    await writeFile(`${path}.zst`, "no zstd");
    expect((await backfill(home)).result).toMatchObject({
      set_aside: 1,
      not_sent: [{ path: `${path}.zst`, reason: expect.stringContaining("damaged") }],
    });
    expect((await readdir(machine.data)).filter((name) => name.startsWith("unpacked-"))).toEqual([]);
  });

  test("sets a packed file aside that is too large when it is unpacked, and sends the others", async () => {
    const home = join(machine.home, "expanding");
    const folder = join(home, ".codex/sessions/2026/09/11");
    await mkdir(folder, { recursive: true });
    const names = ["b", "c"].map((digit) => rollout.replace("aa.jsonl", `a${digit}.jsonl`));
    const [large, small] = names.map((name) => join(folder, name));
    await writeFile(`${large}.zst`, zstdCompressSync(Buffer.alloc(1024 * 1024)));
    await writeFile(`${small}`, line(1));
    const found = await findTranscripts(agentFolders({}, home));
    const plan = await planBackfill(found, dependencies());
    const { size, mtimeMs, ino } = await stat(`${large}.zst`);
    const unpack = unpackZstd(`${large}.zst`, { size, mtime_ms: mtimeMs, inode: ino }, 1024);
    const pending = plan.pending.map((one) => (one.unpack === null ? one : { ...one, unpack }));
    const sending = { ...dependencies(), directory: machine.data };
    const reason = "it has more than 1024 bytes when it is unpacked";
    const expected = { set_aside: 1, not_sent: [{ path: `${large}.zst`, reason }] };
    expect(await runBackfill({ ...plan, pending }, sending)).toMatchObject({ sent: 1, ...expected });
    // It is not unpacked again: its limit is that of all files now.
    expect(await runBackfill(plan, sending)).toMatchObject({ sent: 0, ...expected });
    expect(await planBackfill(found, sending)).toMatchObject({ held_files: 1, not_sent: expected.not_sent });
    await writeFile(`${large}.zst`, "changed");
    const changed = await planBackfill(found, sending);
    await rm(`${large}.zst`);
    expect(await runBackfill(changed, sending)).toMatchObject({
      not_sent: [{ path: `${large}.zst`, reason: expect.stringContaining("it cannot be read") }],
    });
    expect((await readdir(machine.data)).filter((name) => name.startsWith("unpacked-"))).toEqual([]);
  });

  test("sends older files of Gemini CLI, which are one JSON value, each version whole", async () => {
    const home = join(machine.home, "gemini");
    const path = join(home, ".gemini/tmp/0ab1/chats/session-2025-09-01T10-00-0ab1.json");
    await mkdir(dirname(path), { recursive: true });
    const value = (...texts: string[]) => ({
      sessionId: "gemini-old",
      messages: texts.map((content, n) => ({
        id: `m${n}`,
        type: "user",
        timestamp: "2025-09-01T10:00:00Z",
        content,
      })),
    });
    for (const [index, texts] of [["one"], ["one", "two"]].entries()) {
      const content = JSON.stringify(value(...texts), null, 2);
      await writeFile(path, content);
      expect((await backfill(home)).result).toMatchObject({ sent: 1 });
      expect(await hub.client().transcripts.files("gemini-old")).toContainEqual(
        expect.objectContaining({ generation: index + 1, source_hash: chainHashOf(Buffer.from(content)) }),
      );
    }
    expect((await backfill(home)).plan).toMatchObject({ held_files: 1, pending: [] });
  });
});

test("a live session is followed: what its files gain is on the hub, and a file that fails holds up no other", async () => {
  const [first, second] = [await newFile(line(1)), await newFile(line(1))];
  let changes = 0;
  let now = 0;
  const tails = createTails({ ...dependencies(), onChange: () => (changes += 1), now: () => now });
  for (const { agent, session_id, path } of [first, second])
    tails.follow({ agent, session_id, path, cwd: null });
  hub.state.fault = (path) => (path.includes(first.session_id) ? problem(500) : null);
  await expect(tails.send()).rejects.toThrow("The test wants it.");
  await expectHeld(second);
  const requests = hub.state.requests.length;
  expect(await tails.send()).toBe(0);
  expect(hub.state.requests).toHaveLength(requests);
  now += 60_000;
  hub.state.fault = () => null;
  await appendFile(first.path, line(2));
  await until(() => changes > 0);
  expect(await tails.send()).toBe(line(1).length + line(2).length);
  await expectHeld(first);
  tails.close();
});
