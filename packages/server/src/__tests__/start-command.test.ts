import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { copyTree, type Program, spawnProgram, TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import postgres from "postgres";
import { anEvent, commit, end, start, toolUse } from "../ingest/__tests__/event-factory.ts";
import { idsOf, resend, startFleet } from "./faults/device-fleet.ts";
import { ADMIN_KEY, environment, postEvents, readUrl } from "./faults/server-process.ts";
import { seededRandom } from "./seeded-random.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const isRoot = process.getuid?.() === 0;
const programs: Program[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const program of programs.splice(0)) {
    try {
      program.killGroup("SIGKILL");
    } catch {
      // All of it has ended, as it should.
    }
  }
  for (const folder of folders)
    for (const pid of await postgresProcessesOf(folder)) process.kill(pid, "SIGKILL");
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  for (const cluster of dataDirs) await rm(dirname(cluster), { recursive: true, force: true });
  dataDirs.clear();
});

/** A fresh copy of the tree; as root within a folder that no other user can enter. */
async function freshCopy(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), "wharf-start-"));
  folders.push(parent);
  await chmod(parent, 0o700);
  const folder = join(parent, "wharf");
  await mkdir(folder);
  await copyTree(folder);
  return folder;
}

/** The command of the README, but for fetching Bun; it needs no `bun` on the PATH. */
function runStart(folder: string, variables: Record<string, string> = {}): Program {
  const program = spawnProgram({
    command: [process.execPath, "start"],
    cwd: folder,
    env: environment({ WHARF_ADMIN_KEY: undefined, PATH: "/usr/bin:/bin", ...variables }),
    detached: true,
  });
  programs.push(program);
  return program;
}

async function getJson(url: string, path: string, key: string) {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  expect(response.status).toBe(200);
  return await response.json();
}

/** The Postgres processes whose data belongs to this copy: none is to be left. */
async function postgresProcessesOf(folder: string): Promise<number[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const directory = await readlink(`/proc/${pid}/cwd`).catch(() => "");
      const command = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
      const isOurs = directory.startsWith(folder) || dataDirs.has(directory);
      return command.startsWith("postgres") && isOurs ? pid : 0;
    }),
  );
  return found.filter((pid) => pid > 0);
}

/** Where the data of our servers really is: elsewhere than in the copy when root started them. */
const dataDirs = new Set<string>();

async function serving(program: Program) {
  const url = await readUrl(program);
  const data = program.stdout.match(/data in ([^"]+)"/)?.[1] ?? "";
  expect(data).not.toBe("");
  dataDirs.add(join(data, "cluster"));
  return { url, data };
}

describe("the start command, in a copy of the tree", () => {
  test("takes events and gives them back; killed and started again it has each of them once; ended it leaves nothing running", async () => {
    const folder = await freshCopy();
    const first = runStart(folder);
    const { url, data } = await serving(first);
    if (!isRoot) expect(data).toStartWith(folder);
    const key = (await readFile(join(folder, ".wharf/admin-key"), "utf8")).trim();
    expect(key).toMatch(/^wharf_admin_[\w-]{43}$/);

    const known = toolUse("s1", 1);
    await postEvents(url, [known], key);
    const batch = [start("s1", 0), known, { id: "bad" }, commit(2), end("s1", 9), anEvent()];
    const answer = await postEvents(url, batch, key);
    expect(answer?.status).toBe(202);
    expect(answer?.body.results.map(({ status }) => status)).toEqual([
      "accepted",
      "duplicate",
      "rejected",
      "accepted",
      "accepted",
      "accepted",
    ]);
    expect((await postEvents(url, batch, ADMIN_KEY))?.status).toBe(401);
    expect(await getJson(url, "/api/health", key)).toMatchObject({ status: "ok" });

    const fleet = startFleet(url, seededRandom(), { key });
    await until(() => fleet.acknowledged.length >= 30);
    first.killGroup("SIGKILL");
    await first.exited;
    await fleet.stop();
    expect(await postgresProcessesOf(folder)).not.toEqual([]);

    const second = runStart(folder);
    const again = await serving(second);
    expect(second.stdout).toContain("embedded, already running");
    await resend(again.url, [...fleet.unacknowledged, ...fleet.acknowledged.slice(0, 3)], key);
    const stored = await storedEvents(data, second);
    const sent = [...idsOf([...fleet.acknowledged, ...fleet.unacknowledged]), known.id];
    for (const event of batch.slice(0, 6))
      if (event.id !== "bad" && event.id !== known.id) sent.push(event.id);
    expect(stored.sort()).toEqual(sent.sort());

    second.kill("SIGTERM");
    expect(await second.exited).toBe(0);
    expect(await postgresProcessesOf(folder)).toEqual([]);
  });

  test("ends by INT and TERM, to the pid and to the group, also while it starts, and leaves no Postgres", async () => {
    const folder = await freshCopy();
    for (const [signal, kill] of [
      ["SIGINT", "killGroup"],
      ["SIGTERM", "killGroup"],
      ["SIGINT", "kill"],
    ] as const) {
      const program = runStart(folder);
      await serving(program);
      program[kill](signal);
      program[kill](signal);
      expect(await program.exited).toBe(0);
      expect(await postgresProcessesOf(folder)).toEqual([]);
    }
    const starting = runStart(folder);
    await until(async () => (await postgresProcessesOf(folder)).length > 0);
    starting.kill("SIGTERM");
    expect(await starting.exited).toBe(0);
    expect(await postgresProcessesOf(folder)).toEqual([]);
  });

  test("refuses a second server on its data; neither that nor a concurrent command stops the first one's Postgres", async () => {
    const folder = await freshCopy();
    const first = runStart(folder);
    const { url } = await serving(first);
    for (const variables of [{}, { PORT: new URL(url).port }]) {
      const second = runStart(folder, variables);
      expect(await second.exited).toBe(1);
      expect(second.stderr).toContain("CONFIG_DATA_DIR_IN_USE");
    }
    const health = spawnProgram({
      command: [process.execPath, "run", "health"],
      cwd: folder,
      env: environment({ WHARF_ADMIN_KEY: undefined }),
    });
    programs.push(health);
    expect(await health.exited).toBe(0);
    expect(JSON.parse(health.stdout)).toMatchObject({ ok: true });
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect(await postgresProcessesOf(folder)).not.toEqual([]);
    first.kill("SIGTERM");
    expect(await first.exited).toBe(0);
    expect(await postgresProcessesOf(folder)).toEqual([]);
  });
});

/** What SQL says, by the password in the data folder. */
async function storedEvents(data: string, program: Program): Promise<string[]> {
  const password = (await readFile(join(data, "password"), "utf8")).trim();
  const port = Number(program.stdout.match(/on 127\.0\.0\.1:(\d+)/)?.[1]);
  const sql = postgres({ host: "127.0.0.1", port, user: "wharf", password, database: "wharf", max: 1 });
  try {
    return (await sql<{ id: string }[]>`SELECT id FROM events`).map(({ id }) => id);
  } finally {
    await sql.end();
  }
}
