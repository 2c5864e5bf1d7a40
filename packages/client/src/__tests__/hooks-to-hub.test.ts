import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { until } from "@wharf/testkit";
import { chainHashOf } from "@wharf/transcripts";
import { seededRandom } from "../../../server/src/__tests__/seeded-random.ts";
import { CASES } from "../../../transcripts/src/__tests__/read-file.ts";
import { dataPaths } from "../spool/data-paths.ts";
import { type Machine, RUNTIMES, setupHub } from "./hub.ts";

const hub = setupHub();
const SESSION = "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41";
const machines: Machine[] = [];

const dataOf = ({ home }: Machine) => join(home, ".local/share/wharf");

afterEach(async () => {
  for (const machine of machines.splice(0)) {
    const file = join(dataOf(machine), "sender.pid");
    const pid = Number(await readFile(file, "utf8").catch(() => ""));
    // Fails for a sender that has ended, also one that was killed and has left its file.
    const signal = async (name: string) => (await machine.run(["kill", name, String(pid)])).code === 0;
    if (pid === 0 || !(await signal("-TERM"))) continue;
    await until(async () => (await stat(file).catch(() => null)) === null || !(await signal("-0")));
  }
});

async function connectedMachine(runtime: string): Promise<Machine> {
  const machine = await hub.machine(runtime);
  machines.push(machine);
  await machine.wharf(["connect", hub.url, await hub.code(), "--name", "desk"]);
  return machine;
}

const line = (n: number) =>
  `${JSON.stringify({ type: "user", uuid: `u${n}`, sessionId: SESSION, cwd: "/nowhere", timestamp: "2026-03-14T10:00:00Z", message: { content: `prompt ${n}` } })}\n`;

async function writeTranscript({ home }: Machine): Promise<string> {
  const folder = join(home, ".claude/projects/-nowhere");
  await mkdir(join(folder, SESSION, "subagents"), { recursive: true });
  const path = join(folder, `${SESSION}.jsonl`);
  await writeFile(path, line(1));
  await writeFile(join(folder, SESSION, "subagents/agent-a1.jsonl"), line(2));
  return path;
}

async function eventTypes(): Promise<string[]> {
  const rows = await hub.server.sql<{ type: string }[]>`SELECT type FROM events ORDER BY type`;
  return rows.map(({ type }) => type);
}

async function heldFiles() {
  const { body } = await hub.server.request("GET", `/api/sessions/${SESSION}/transcript/files`);
  return (body.files ?? []).map(({ file, source_hash }: { file: string; source_hash: string }) => [
    file,
    source_hash,
  ]);
}

describe.each(RUNTIMES)("under %s", (_, runtime) => {
  test("hooks and transcripts of a session reach the hub, and the settings come back as they were", async () => {
    const machine = await connectedMachine(runtime);
    const { home, run, wharf } = machine;
    const transcript_path = await writeTranscript(machine);
    const settings = join(home, ".claude/settings.json");
    const before = '{\n   "model": "opus",   "hooks": {"Stop": []}\n}';
    await writeFile(settings, before);
    await run(["git", "init", "-q", "repository"]);
    const repository = join(home, "repository");

    const dry = await wharf(["hooks", "install", "repository", "--dry-run"]);
    expect(dry.stdout).toContain("claude-code-start.sh");
    expect(await readFile(settings, "utf8")).toBe(before);
    expect((await wharf(["hooks", "install", "repository"])).code).toBe(0);
    const { json: status } = await wharf(["hooks", "status", "--json"]);
    expect(status.agents).toEqual([{ agent: "claude-code", file: settings, installed: true }]);
    expect(Object.values(status.repositories[0].hooks)).toEqual(Array(5).fill("installed"));

    const { hooks } = JSON.parse(await readFile(settings, "utf8"));
    const fire = (event: string, input: object = {}) => {
      const stdin = JSON.stringify({
        session_id: SESSION,
        transcript_path,
        cwd: home,
        hook_event_name: event,
        ...input,
      });
      return run(["sh", "-c", hooks[event].at(-1).hooks[0].command], { stdin });
    };
    expect(await fire("SessionStart", { source: "startup" })).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "",
    });
    await fire("UserPromptSubmit", { prompt: "prompt 1" });
    await run(
      [
        "git",
        "-C",
        repository,
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=a@b",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
      ],
      { env: { WHARF_SESSION_ID: SESSION } },
    );
    await until(async () => (await eventTypes()).length === 3);
    expect(await eventTypes()).toEqual(["agent.prompt", "git.commit", "session.start"]);
    await appendFile(transcript_path, line(3));
    const expected = [
      ["main.jsonl", chainHashOf(Buffer.from(line(1) + line(3)))],
      ["subagents/agent-a1.jsonl", chainHashOf(Buffer.from(line(2)))],
    ];
    await until(async () => Bun.deepEquals(await heldFiles(), expected), {
      describe: async () => JSON.stringify(await heldFiles()),
    });

    const { json: queue } = await wharf(["queue", "status", "--json"]);
    expect(queue).toMatchObject({
      spool_files: 0,
      events: 0,
      rejected: 0,
      sender_pid: expect.any(Number),
      problem: null,
    });
    expect((await wharf(["send", "--json"])).json).toEqual({ status: "already_running" });
    expect((await wharf(["hooks", "uninstall"])).code).toBe(0);
    expect(await readFile(settings, "utf8")).toBe(before);
    expect(await stat(join(repository, ".git/hooks/post-commit")).catch(() => null)).toBeNull();
  });

  test("a backfill states what it will send, and sends everything once", async () => {
    const machine = await connectedMachine(runtime);
    await writeTranscript(machine);
    const dry = await machine.wharf(["backfill", "--dry-run", "--json"]);
    expect(dry.json).toEqual({
      sessions: 1,
      files: 2,
      held_files: 0,
      deleted_files: 0,
      not_shared_files: 0,
      bytes: line(1).length * 2,
      pending_files: 2,
      packed_files: 0,
      not_sent: [],
    });
    expect(dry.stderr).toBe("");
    expect(await heldFiles()).toEqual([]);
    const lastSent = async () =>
      (await machine.wharf(["queue", "status", "--json"])).json.last_acknowledged_at;
    expect(await lastSent()).toBeNull();
    expect((await machine.wharf(["backfill"])).stdout).toContain("Sent 2 files");
    expect(await lastSent()).toBeString();
    expect((await heldFiles()).map(([file]: [string]) => file)).toEqual([
      "main.jsonl",
      "subagents/agent-a1.jsonl",
    ]);
    const again = await machine.wharf(["backfill", "--json"]);
    expect(again.json).toMatchObject({ held_files: 2, bytes: 0, result: { sent: 0 } });
    const bytes = line(1).length;
    const compared = async () => (await machine.wharf(["doctor", "--files", "--json"])).json.files;
    expect(await compared()).toMatchObject(Array(2).fill({ bytes, held_bytes: bytes, is_equal: true }));
    const { checks } = (await machine.wharf(["doctor", "--json"])).json;
    const speed = checks.find(({ name }: { name: string }) => name === "hook speed");
    expect(speed.detail).toMatch(/takes \d+\.\d ms \(p50\), \d+\.\d ms \(p99\)/);
    await writeFile(join(machine.home, `.claude/projects/-nowhere/${SESSION}.jsonl`), line(2) + line(3));
    expect((await compared())[0]).toMatchObject({ bytes: bytes * 2, held_bytes: bytes, is_equal: false });
    const named = (all: { name: string }[]) => all.find(({ name }) => name === "retention");
    expect(named(checks)).toMatchObject({ status: "ok", detail: expect.stringContaining("30 days") });
    const old = new Date(Date.now() - 29 * 86_400_000);
    await utimes(join(machine.home, `.claude/projects/-nowhere/${SESSION}.jsonl`), old, old);
    expect(named((await machine.wharf(["doctor", "--json"])).json.checks)).toMatchObject({
      status: "warn",
      detail: expect.stringContaining("the hub lacks 1 file"),
      fix: expect.stringContaining("wharf backfill"),
    });
  });

  test("what the hub lost is sent again, and what was deleted there is named as such", async () => {
    const machine = await connectedMachine(runtime);
    const path = await writeTranscript(machine);
    const files = async () => await machine.wharf(["doctor", "--files"]);
    const missing = await files();
    expect([missing.code, missing.stdout.match(/\tnot held\t/g)?.length]).toEqual([1, 2]);
    await machine.wharf(["backfill"]);
    expect((await files()).code).toBe(0);
    const old = new Date(Date.now() - 29 * 86_400_000);
    await utimes(path, old, old);
    await machine.wharf(["backfill"]);
    const retention = async () =>
      (await machine.wharf(["doctor"])).stdout.split("\n").find((text) => text.includes("\tretention\t"));
    expect(await retention()).toEndWith("; the hub has them");
    const erased = await hub.server.request("DELETE", `/api/sessions/${SESSION}`);
    if (erased.status === 202) await hub.server.current().jobs.runOne(erased.body.job_id);
    expect(await retention()).toMatch(
      /^ok\t.*; deleted on the hub: 2 files, of which the agent deletes the last copy$/,
    );
    expect((await machine.wharf(["backfill"])).stdout).toBe(
      "Found 2 files of 1 session; deleted on the hub: 2. Nothing to send.\n",
    );
    const deleted = await files();
    expect([deleted.code, deleted.stdout.match(/\tdeleted on the hub\t/g)?.length]).toEqual([0, 2]);

    await hub.server.sql`DELETE FROM session_tombstones`;
    expect((await machine.wharf(["backfill"])).stdout).toContain("Sent 2 files");
    expect((await files()).code).toBe(0);
  });

  test("transcripts in a database and packed ones are compared with the hub as they were sent", async () => {
    const machine = await connectedMachine(runtime);
    const codex = join(
      machine.home,
      `.codex/archived_sessions/rollout-2026-03-14T10-00-00-${SESSION}.jsonl.zst`,
    );
    await mkdir(dirname(codex), { recursive: true });
    await writeFile(codex, Bun.zstdCompressSync(line(1) + line(2)));
    const stored = join(machine.home, ".local/share/opencode/storage/session/global/ses_1.json");
    await mkdir(dirname(stored), { recursive: true });
    await writeFile(stored, JSON.stringify({ id: "ses_1", directory: "/nowhere", time: { created: 1 } }));
    const compared = async () => await machine.wharf(["doctor", "--files", "--json"]);
    // The latest file is the first.
    await utimes(codex, new Date("2026-03-14T10:00:00Z"), new Date("2026-03-14T10:00:00Z"));
    const held = (await compared()).json.files;
    const isPackedRead = held.length === 2;
    expect(isPackedRead || runtime !== process.execPath).toBe(true);
    expect(held.map(({ agent, is_equal }: { agent: string; is_equal: null }) => [agent, is_equal])).toEqual([
      ["opencode", null],
      ...(isPackedRead ? [["codex", null]] : []),
    ]);
    await machine.wharf(["backfill"]);
    const { json, stderr } = await compared();
    expect(json.files).toMatchObject([
      { agent: "opencode", session_id: "ses_1", file: "rows.jsonl", is_equal: true },
      ...(isPackedRead ? [{ agent: "codex", session_id: SESSION, path: codex, is_equal: true }] : []),
    ]);
    for (const { bytes, held_bytes } of json.files) expect(held_bytes).toBe(bytes);
    expect(stderr.includes("1 packed file")).toBe(!isPackedRead);
    if (isPackedRead) expect(json.files[1].bytes).toBe(line(1).length + line(2).length);
    await writeFile(codex, Bun.zstdCompressSync(line(3)));
    await writeFile(stored, JSON.stringify({ id: "ses_1", directory: "/elsewhere", time: { created: 1 } }));
    const changed = await compared();
    expect(changed.code).toBe(1);
    for (const { is_equal } of changed.json.files) expect(is_equal).toBe(false);
    expect((await readdir(dataOf(machine))).filter((name) => name.startsWith("unpacked-"))).toEqual([]);
  });

  test("the settings of all agents come back as they were, and another's program stays notified", async () => {
    const machine = await hub.machine(runtime);
    const { home, wharf } = machine;
    const { codexHooks } = dataPaths(dataOf(machine));
    const files = {
      ".codex/hooks.json": '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say"}]}]}}',
      ".codex/config.toml": 'model = "m"\r\n[tui]\r\n',
      ".gemini/settings.json": '{\n    "theme": "Dark",\n    "hooks": {"AfterAgent": []}\n}\n',
    };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(home, name)), { recursive: true });
      await writeFile(join(home, name), text);
    }
    const opencode = join(home, ".config/opencode");
    await mkdir(opencode, { recursive: true });
    const textsOf = async () =>
      Object.fromEntries(
        await Promise.all(
          Object.keys(files).map(async (name) => [name, await readFile(join(home, name), "utf8")]),
        ),
      );
    expect((await wharf(["hooks", "install"])).code).toBe(0);
    const { agents } = (await wharf(["hooks", "status", "--json"])).json;
    expect(agents.map(({ agent, installed }: Record<string, unknown>) => [agent, installed])).toEqual([
      ["codex", true],
      ["codex", true],
      ["gemini-cli", true],
      ["opencode", true],
    ]);
    expect(await readFile(join(opencode, "plugins/wharf.js"), "utf8")).toContain("/hooks/opencode.sh");
    const { hooks } = JSON.parse((await textsOf())[".gemini/settings.json"]);
    expect(hooks.AfterAgent).toMatchObject([{ hooks: [{ timeout: 5_000 }] }]);
    await writeFile(codexHooks, "");
    expect((await wharf(["hooks", "uninstall"])).code).toBe(0);
    expect(await textsOf()).toEqual(files);
    expect(await stat(codexHooks).catch(() => null)).toBeNull();
    expect(await readdir(opencode)).toEqual([]);
    await writeFile(codexHooks, "");
    await writeFile(join(home, ".codex/config.toml"), 'notify = ["bell"]\n');
    await mkdir(join(opencode, "plugins"));
    await writeFile(join(opencode, "plugins/wharf.js"), "// another\n");
    const { code, json } = await wharf(["hooks", "install", "--json"]);
    const { settings } = json;
    expect(code).toBe(1);
    const told = await wharf(["hooks", "install"]);
    expect([told.code, told.stderr.includes("was not changed")]).toEqual([1, true]);
    expect(told.stdout).not.toContain("are sent from now on");
    expect(settings).toMatchObject([
      ...[{ agent: "codex" }, { agent: "gemini-cli" }],
      { agent: "opencode", changed: false, problem: "it was not written by Wharf" },
    ]);
    expect(await readFile(join(home, ".codex/config.toml"), "utf8")).toBe('notify = ["bell"]\n');
    expect(await stat(codexHooks).catch(() => null)).toBeNull();
  });

  test("a backfill sends the sessions of opencode's database, or names the runtime that can read it", async () => {
    const machine = await connectedMachine(runtime);
    const path = join(machine.home, ".local/share/opencode/opencode.db");
    await mkdir(dirname(path), { recursive: true });
    const database = new Database(path);
    database.run("PRAGMA journal_mode = WAL");
    database.run(await readFile(join(CASES, "29-opencode-two-generations-and-fork/opencode.sql"), "utf8"));
    const asked = [
      "-e",
      "console.log(Boolean(process.versions.bun || process.getBuiltinModule?.('node:sqlite')))",
    ];
    const hasSqlite = (await machine.run([runtime, ...asked])).stdout.trim() === "true";
    const { json, stderr, code } = await machine.wharf(["backfill", "--json"]);
    database.close();
    expect(code).toBe(0);
    expect(json).toMatchObject({ sessions: hasSqlite ? 4 : 0, result: { sent: hasSqlite ? 4 : 0 } });
    expect(stderr).toBe(
      hasSqlite
        ? ""
        : `The sessions of opencode in ${path} are left out: run wharf with Bun, or Node 22.13 or newer.\n`,
    );
    if (!hasSqlite) return;
    const { body } = await hub.server.request("GET", "/api/sessions/ses_d/transcript/files");
    expect(body.files).toMatchObject([{ file: "rows.jsonl", agent: "opencode" }]);
  });
});

test("events wait while the hub is unavailable, and `queue drain` sends them", async () => {
  const machine = await connectedMachine(process.execPath);
  const spool = join(dataOf(machine), "spool");
  await mkdir(spool, { recursive: true });
  const input = JSON.stringify({ session_id: SESSION, hook_event_name: "Stop", cwd: "/nowhere" });
  await writeFile(join(spool, "claude-code.1"), `wharf=1\0pwd=/\0\0${input}`);
  await writeFile(join(spool, "claude-code.2"), `wharf=1\0pwd=/\0\0{broken`);
  // The process number of a sender that was killed, which another program has now.
  await using other = Bun.spawn(["sleep", "60"]);
  await writeFile(join(dataOf(machine), "sender.pid"), `${other.pid}\n`);
  const env = { WHARF_PROFILE: "none" };
  expect((await machine.wharf(["queue", "drain"], { env })).code).toBe(2);
  expect((await machine.wharf(["queue", "status", "--json"])).json).toMatchObject({
    spool_files: 2,
    sender_pid: null,
  });
  const before = await readdir(spool);
  const { json: preview } = await machine.wharf(["send", "--dry-run", "--json"]);
  expect(preview.events).toMatchObject([{ type: "agent.turn_end", session_id: SESSION }]);
  expect(await readdir(spool)).toEqual(before);
  expect((await machine.wharf(["send", "--dry-run"])).stdout).toBe(`${JSON.stringify(preview.events[0])}\n`);
  expect((await machine.wharf(["queue", "drain", "--json"])).json).toEqual({
    accepted: 1,
    duplicates: 0,
    rejected: 0,
    problem: null,
  });
  expect((await machine.wharf(["queue", "status"])).stdout).not.toContain("never");
  const { json } = await machine.wharf(["queue", "rejected", "--json"]);
  expect(json.rejected).toMatchObject([{ name: "claude-code.2", reason: "the hook's input is not JSON" }]);
});

test("hooks are shown and removed after the record of them was lost, and count as missing without their scripts", async () => {
  const { home, run, command, wharf } = await hub.machine();
  const settings = join(home, ".claude/settings.json");
  await mkdir(dirname(settings));
  await run(["git", "init", "-q", "repository"]);
  const inRepository = (words: string[]) =>
    run(["sh", "-c", 'cd repository && exec "$@"', "sh", ...command, ...words]);
  await wharf(["hooks", "install", "repository"]);
  const data = join(home, ".local/share/wharf");
  await rm(join(data, "hooks.json"));
  expect((await wharf(["hooks", "status", "--json"])).json.repositories).toEqual([]);
  const { json } = await inRepository(["hooks", "status", "--json"]);
  expect(json.agents).toMatchObject([{ installed: true }]);
  expect(Object.values(json.repositories[0].hooks)).toEqual(Array(5).fill("installed"));

  await rename(join(data, "hooks"), join(data, "elsewhere"));
  const { json: without } = await inRepository(["hooks", "status", "--json"]);
  expect(without.agents).toMatchObject([{ installed: false }]);
  expect(Object.values(without.repositories[0].hooks)).toEqual(Array(5).fill("missing"));
  await rename(join(data, "elsewhere"), join(data, "hooks"));

  const mine = { type: "command", command: "echo done" };
  const changed = JSON.parse(await readFile(settings, "utf8"));
  changed.hooks.Stop.push({ hooks: [mine] });
  await writeFile(settings, JSON.stringify({ ...changed, model: "opus" }));
  expect((await inRepository(["hooks", "uninstall"])).code).toBe(0);
  expect(JSON.parse(await readFile(settings, "utf8"))).toEqual({
    hooks: { Stop: [{ hooks: [mine] }] },
    model: "opus",
  });
  expect(await stat(join(home, "repository/.git/hooks/post-commit")).catch(() => null)).toBeNull();
});

test("`send --dry-run` prints the parts of a live session as they would be sent, without secrets", async () => {
  const machine = await connectedMachine(process.execPath);
  const file = join(machine.home, ".claude/projects/-nowhere", `${SESSION}.jsonl`);
  const token = ["ghp", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].join("_");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${line(1)}{"type":"user","cwd":"/nowhere","text":"${token}"}\n{"type":"us`);
  const { stdout } = await machine.wharf(["send", "--dry-run"]);
  expect(stdout).not.toContain(token);
  expect(stdout).toMatch(/^claude-code\t\S+\tmain\.jsonl\tfrom byte 0\n/);
  const { events, transcripts } = (await machine.wharf(["send", "--dry-run", "--json"])).json;
  expect(events).toEqual([]);
  expect(transcripts).toMatchObject([{ session_id: SESSION, file: "main.jsonl", offset: 0 }]);
  expect(transcripts[0].text).toMatch(/\[REDACTED:[^\]]+\]"}\n$/);
  expect(transcripts[0].text.startsWith(line(1))).toBe(true);
});

test("`send` of a person sends what waits, and returns when nothing does", async () => {
  const machine = await connectedMachine(process.execPath);
  expect(await machine.wharf(["send"])).toMatchObject({ code: 0, stdout: "Nothing waits to be sent.\n" });
  await writeTranscript(machine);
  expect(await machine.wharf(["send"])).toMatchObject({ code: 0, stdout: "Sent all that waited.\n" });
  expect(await heldFiles()).toHaveLength(2);
});

test("commands of a machine that is not connected name the command that connects it", async () => {
  const machine = await hub.machine();
  for (const words of [["send"], ["backfill"], ["queue", "drain"]]) {
    const { code, stderr } = await machine.wharf(words);
    expect([code, stderr]).toEqual([1, expect.stringContaining("wharf connect")]);
  }
  expect((await machine.wharf(["hooks", "install"])).stdout).toContain("No agent was found");
});

test("a service is installed for this user, and removed", async () => {
  const machine = await connectedMachine(process.execPath);
  const bin = join(machine.home, "bin");
  await mkdir(bin);
  for (const name of ["systemctl", "launchctl"]) {
    await writeFile(join(bin, name), `#!/bin/sh\necho "$@" >>"$HOME/called"\n`, { mode: 0o755 });
  }
  const env = { PATH: `${bin}:${process.env["PATH"]}` };
  const { json: plan } = await machine.wharf(["service", "install", "--dry-run", "--json"], { env });
  expect(await stat(plan.file).catch(() => null)).toBeNull();
  expect((await machine.wharf(["service", "install"], { env })).code).toBe(0);
  expect(await readFile(plan.file, "utf8")).toContain("--stay");
  expect((await readFile(join(machine.home, "called"), "utf8")).split("\n")).toHaveLength(
    plan.start.length + 1,
  );
  // Once more: what runs ends first.
  expect((await machine.wharf(["service", "install"], { env })).code).toBe(0);
  const [, ...stopping] = plan.stop[0];
  const called = (await readFile(join(machine.home, "called"), "utf8")).split("\n");
  expect(called[plan.start.length]).toBe(stopping.join(" "));
  expect((await machine.wharf(["service", "uninstall", "--json"], { env })).json).toEqual({
    removed: plan.file,
  });
  expect((await machine.wharf(["service", "status"], { env })).code).toBe(1);
  expect((await machine.wharf(["service", "uninstall", "--json"], { env })).json).toEqual({ removed: null });
  await machine.wharf(["service", "install"], { env });
  const { json } = await machine.wharf(["uninstall", "--json"], { env });
  expect(json.removed).toContain(plan.file);
  expect(await stat(plan.file).catch(() => null)).toBeNull();
});

test("the state of a service is what the system states of it", async () => {
  const machine = await connectedMachine(process.execPath);
  const bin = join(machine.home, "bin");
  await mkdir(bin);
  const program = (name: string, text: string) =>
    writeFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env["PATH"]}` };
  const status = async (...words: string[]) => await machine.wharf(["service", "status", ...words], { env });
  for (const name of ["systemctl", "launchctl"]) await program(name, `echo 'MainPID=4711'`);
  for (const name of ["journalctl", "tail"]) await program(name, `echo 'one'; echo 'two'`);
  await program("ps", `[ "$TZ $4" = "UTC 4711" ] && echo 'Sat Mar 14 10:00:00 2026'`);
  const none = { is_installed: false, is_running: false, pid: null, since: null, log: [] };
  expect(await status("--json")).toMatchObject({ code: 1, json: none });
  await machine.wharf(["service", "install"], { env });
  const running = { is_installed: true, is_running: true, pid: 4711, since: "2026-03-14T10:00:00.000Z" };
  expect(await status("--json")).toMatchObject({ code: 0, json: { ...running, log: ["one", "two"] } });
  expect((await status()).stdout).toMatch(
    /^Running as process 4711, since: 2026-03-14T\S+\nFile: .+\nLog .+:\n {2}one\n/,
  );
  for (const name of ["systemctl", "launchctl"]) await program(name, `echo 'MainPID=0'`);
  const stopped = await status();
  expect([stopped.code, stopped.stdout]).toEqual([1, expect.stringContaining("not running")]);
  for (const name of ["systemctl", "launchctl"]) await program(name, `echo 'no bus' >&2; exit 1`);
  expect((await status("--json")).json.error).toMatchObject({ code: "SERVICE_UNKNOWN" });
});

function startSender({ command, home }: Machine) {
  const env = { HOME: home, PATH: process.env["PATH"] };
  return Bun.spawn([...command, "send", "--linger"], {
    cwd: home,
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

test("a sender that is killed again and again sends each event and each byte once", async () => {
  const machine = await connectedMachine(process.execPath);
  const { spool } = dataPaths(dataOf(machine));
  const path = await writeTranscript(machine);
  await appendFile(
    path,
    Array.from({ length: 3_000 }, (_, n) => line(n + 10))
      .join("")
      .repeat(4),
  );
  await mkdir(spool, { recursive: true });
  const events = 600;
  for (let n = 0; n < events; n++) {
    const input = JSON.stringify({
      session_id: SESSION,
      hook_event_name: "UserPromptSubmit",
      transcript_path: path,
      prompt: `${n}`,
    });
    await writeFile(join(spool, `claude-code.${n}`), `wharf=1\0pwd=/\0\0${input}`);
  }
  const random = seededRandom();
  let kills = 0;
  for (let round = 0; round < 8; round++) {
    const sender = startSender(machine);
    await Bun.sleep(100 + random() * 400);
    sender.kill("SIGKILL");
    if ((await sender.exited) !== 0) kills += 1;
  }
  expect(kills).toBe(8);
  const last = startSender(machine);
  await until(
    async () =>
      (await machine.wharf(["queue", "status", "--json"])).json.events === 0 &&
      (await readdir(spool)).length === 0,
  );
  const bytes = await readFile(path);
  await until(async () => (await heldFiles())[0]?.[1] === chainHashOf(bytes));
  last.kill("SIGTERM");
  await last.exited;
  const rows = await hub.server.sql<{ text: string }[]>`SELECT data ->> 'text' AS text FROM events`;
  expect(rows).toHaveLength(events);
  expect(new Set(rows.map(({ text }) => text)).size).toBe(events);
  const { body } = await hub.server.request("GET", `/api/sessions/${SESSION}/transcript/files`);
  expect(body.files.map(({ generation }: { generation: number }) => generation)).toEqual([1, 1]);
});
