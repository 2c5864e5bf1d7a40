import { expect, test } from "bun:test";
import { cp, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "@wharf/testkit";
import { chainHashOf } from "@wharf/transcripts";
import { requireProfile } from "../cli/hub.ts";
import { createIo } from "../cli/io.ts";
import { prepareSending } from "../cli/sending.ts";
import { runSender } from "../sender/run-sender.ts";
import { type DataPaths, dataPaths } from "../spool/data-paths.ts";
import { listRejected } from "../spool/rejected.ts";
import { type Machine, RUNTIMES, setupHub, withFileFaults } from "./hub.ts";

const hub = setupHub();
const CONCURRENT = 4;
const STEPS_MIN = 40;
const LIMIT_MS = 180_000;
const START_S = Date.UTC(2026, 2, 14, 10) / 1000;

type Home = { session: string; home: string; paths: DataPaths; transcript: string };

const names = (directory: string) => readdir(directory).catch((): string[] => []);

/** Of an enrolled machine, with a transcript and hooks: two that become events, one that the hub rejects, and one that is broken. */
async function prepareHome(machine: Machine, session: string): Promise<Home> {
  const home = join(machine.home, session);
  const paths = dataPaths(join(home, ".local/share/wharf"));
  const folder = join(home, ".claude/projects/-nowhere");
  const transcript = join(folder, `${session}.jsonl`);
  for (const directory of [paths.spool, folder]) await mkdir(directory, { recursive: true });
  await cp(join(machine.home, ".config"), join(home, ".config"), { recursive: true });
  await writeFile(transcript, `{"type":"user","sessionId":"${session}","message":{"content":"x"}}\n`);
  const input = (hook_event_name: string, session_id = session) =>
    JSON.stringify({ hook_event_name, session_id, cwd: "/nowhere", prompt: "x", source: "startup" });
  const tooLong = "s".repeat(300);
  const hooks = [input("SessionStart"), input("UserPromptSubmit"), input("Stop", tooLong), "{broken"];
  for (const [index, stdin] of hooks.entries()) {
    const path = join(paths.spool, `claude-code.${index}`);
    await writeFile(path, `wharf=1\0pwd=/nowhere\0parents= 1\0\0${stdin}`);
    await utimes(path, START_S + index, START_S + index);
  }
  return { session, home, paths, transcript };
}

const environmentOf = ({ home }: Home) => ({ HOME: home, PATH: process.env["PATH"] });

/** Runs a sender that is killed at its n-th step. False: it sent everything and ended before. */
async function isKilled(command: readonly string[], at: Home, n: number): Promise<boolean> {
  const sender = Bun.spawn([...command, "send", "--linger"], {
    cwd: at.home,
    env: { ...environmentOf(at), KILL_AT: `${n}` },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const { spool, outbox, transcripts, state } = at.paths;
  const isIdle = async () =>
    (await Promise.all([spool, outbox].map(names))).flat().length === 0 &&
    (await names(transcripts)).length > 0 &&
    (await stat(state).catch(() => null)) !== null;
  await until(async () => sender.exitCode !== null || sender.signalCode !== null || (await isIdle()));
  sender.kill("SIGTERM");
  await sender.exited;
  return sender.signalCode === "SIGKILL";
}

/** A sender of the next day sends the rest; what was being written is removed then. */
async function finish(at: Home): Promise<void> {
  for (const directory of [at.paths.data, at.paths.outbox, at.paths.rejected, at.paths.transcripts])
    for (const name of await names(directory))
      if (name.startsWith(".")) await utimes(join(directory, name), START_S, START_S);
  const io = createIo(environmentOf(at));
  const { sender } = prepareSending(io, await requireProfile(io, {}));
  const { signal } = new AbortController();
  expect(await runSender({ ...sender, signal, quietMs: 0 })).toBe("done");
}

async function stateAfter({ session, paths }: Home) {
  const events = await hub.server.sql`SELECT type FROM events WHERE session_id = ${session} ORDER BY type`;
  const { body } = await hub.server.request("GET", `/api/sessions/${session}/transcript/files`);
  const { data, spool, outbox, rejected, transcripts } = paths;
  return {
    events: events.map(({ type }) => type),
    hashes: body.files?.map(({ source_hash }: { source_hash: string }) => source_hash),
    rejected: (await listRejected(rejected)).map(({ reason }) => reason).sort(),
    waiting: (await Promise.all([spool, outbox].map(names))).flat(),
    drafts: (await Promise.all([data, rejected, transcripts].map(names)))
      .flat()
      .filter((name) => name.startsWith(".")),
  };
}

test.each(RUNTIMES)(
  "a sender that is killed at any step under %s sends each event and each file once",
  async (name, runtime) => {
    const machine = await hub.machine(runtime);
    await machine.wharf(["connect", hub.url, await hub.code(), "--name", "desk"]);
    const command = await withFileFaults(machine);
    let [next, last] = [1, Number.POSITIVE_INFINITY];
    async function killAndFinish(): Promise<void> {
      while (next < last) {
        const step = next++;
        const at = await prepareHome(machine, `${name}-${step}`);
        if (!(await isKilled(command, at, step))) last = Math.min(last, step);
        await finish(at);
        expect({ step, ...(await stateAfter(at)) }).toEqual({
          step,
          events: ["agent.prompt", "session.start"],
          hashes: [chainHashOf(await readFile(at.transcript))],
          rejected: [expect.stringContaining("200 characters"), "the hook's input is not JSON"],
          waiting: [],
          drafts: [],
        });
      }
    }
    await Promise.all(Array.from({ length: CONCURRENT }, killAndFinish));
    expect(last).toBeGreaterThan(STEPS_MIN);
  },
  LIMIT_MS,
);
