import { describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "@wharf/testkit";
import { requireProfile } from "../cli/hub.ts";
import { createIo } from "../cli/io.ts";
import { prepareSending } from "../cli/sending.ts";
import { listOutbox } from "../sender/send-outbox.ts";
import { dataPaths } from "../spool/data-paths.ts";
import { fillOutbox } from "../spool/fill-outbox.ts";
import { RUNTIMES, setupHub, withFileFaults } from "./hub.ts";

const hub = setupHub();
const SETTINGS = '{"hooks":{}}';

/** An enrolled machine with an agent and a repository, one event in the outbox and one hook in the spool. */
async function prepareMachine(runtime: string) {
  const machine = await hub.machine(runtime);
  const { home } = machine;
  const paths = dataPaths(join(home, ".local/share/wharf"));
  await machine.wharf(["connect", hub.url, await hub.code(), "--name", "desk"]);
  for (const directory of [".claude/projects/-x", "bin"])
    await mkdir(join(home, directory), { recursive: true });
  await writeFile(join(home, ".claude/settings.json"), SETTINGS);
  const line = `{"type":"user","sessionId":"s","message":{"content":"x"}}\n`;
  await writeFile(join(home, ".claude/projects/-x/s.jsonl"), line);
  await machine.run(["git", "init", "-q", "repository"]);
  await mkdir(paths.spool, { recursive: true });
  const spoolHook = async (prompt: string) => {
    const input = JSON.stringify({ session_id: "s", hook_event_name: "UserPromptSubmit", prompt });
    await writeFile(join(paths.spool, `claude-code.${prompt}`), `wharf=1\0pwd=/nowhere\0\0${input}`);
  };
  const io = createIo({ HOME: home, PATH: process.env["PATH"] });
  const { sender } = prepareSending(io, await requireProfile(io, {}));
  await spoolHook("first");
  await fillOutbox(sender);
  await spoolHook("second");
  return { machine, paths, flag: join(home, "writes-fail"), command: await withFileFaults(machine) };
}

async function storedPrompts(): Promise<string[]> {
  const rows = await hub.server.sql`SELECT data ->> 'text' AS text FROM events ORDER BY 1`;
  return rows.map(({ text }) => text);
}

const WRITING = [
  ["queue", "drain"],
  ["backfill"],
  ["hooks", "install", "repository"],
  ["share", "set", "facts"],
  ["service", "install"],
];

describe.each(RUNTIMES)("under %s", (_, runtime) => {
  test("on a full disk the sender sends what it has, commands tell to free space, and nothing is lost", async () => {
    const { machine, paths, flag, command } = await prepareMachine(runtime);
    await writeFile(flag, "ENOSPC");
    const env = { WRITES_FAIL: flag };
    const ran = (words: readonly string[]) => machine.run([...command, ...words], { env });
    await using sender = Bun.spawn([...command, "send", "--linger"], {
      cwd: machine.home,
      env: { ...env, HOME: machine.home, PATH: process.env["PATH"] },
      stdio: ["ignore", "inherit", "inherit"],
    });
    await until(async () => (await storedPrompts()).length === 1);
    await until(async () => (await listOutbox(paths.outbox)).length === 0);
    const results = await Promise.all(WRITING.map(ran));
    for (const [index, { code, stderr }] of results.entries())
      expect([WRITING[index], code, stderr]).toEqual([
        WRITING[index],
        1,
        expect.stringMatching(/^error: No space is left to write \/\S+\. Free some space\.\n$/),
      ]);
    const [status, doctor, sessions] = await Promise.all([
      ran(["status"]),
      ran(["doctor"]),
      ran(["sessions"]),
    ]);
    expect(status.stderr).toContain(`No space is left to write ${paths.data}. Free some space.`);
    expect(doctor.stdout).toContain("Free some space.");
    expect([status.code, sessions.code, sender.exitCode]).toEqual([0, 0, null]);
    expect(await readFile(join(machine.home, ".claude/settings.json"), "utf8")).toBe(SETTINGS);
    await rm(flag);
    await until(async () => (await storedPrompts()).length === 2);
    expect(await storedPrompts()).toEqual(["first", "second"]);
    await until(
      async () => (await readdir(paths.spool)).length + (await listOutbox(paths.outbox)).length === 0,
    );
    sender.kill("SIGTERM");
    await sender.exited;
    expect((await readdir(paths.data)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("in a home that is read-only commands name what must be writable, and events wait", async () => {
    const { machine, paths, flag, command } = await prepareMachine(runtime);
    await writeFile(flag, "EROFS");
    const commands = [...WRITING, ["send"], ["uninstall", "--force"]];
    for (const words of commands) {
      const { code, stderr } = await machine.run([...command, ...words], { env: { WRITES_FAIL: flag } });
      const message =
        /^error: \/\S+ cannot be written \(EROFS\)\. Make its directory writable for this user\.\n$/;
      expect([words, code, stderr]).toEqual([words, 1, expect.stringMatching(message)]);
    }
    expect((await listOutbox(paths.outbox)).length).toBe(1);
    expect(await readdir(paths.spool)).toEqual(["claude-code.second"]);
    await rm(flag);
    expect((await machine.wharf(["queue", "drain", "--json"])).json).toMatchObject({ rejected: 0 });
    expect(await storedPrompts()).toEqual(["first", "second"]);
  });
});
