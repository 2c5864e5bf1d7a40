import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, cp, mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEmbeddedPostgres } from "@wharf/embedded-postgres";
import { type Program, spawnProgram, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { anEvent } from "../../ingest/__tests__/event-factory.ts";
import { environment, postEvents, ROOT, readUrl, spawnServer, statusOf } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const folder = await mkdtemp(join(tmpdir(), "wharf-embedded-faults-"));
await chmod(folder, 0o755);
const programs: Program[] = [];
afterAll(async () => {
  for (const program of programs) {
    program.kill("SIGTERM");
    await program.exited;
  }
  await rm(folder, { recursive: true, force: true });
});

async function launch(dataDir: string) {
  const program = spawnServer({ DATABASE_URL: "", WHARF_DATA_DIR: dataDir });
  programs.push(program);
  return { program, url: await readUrl(program) };
}

async function command(dataDir: string, ...words: string[]) {
  const program = spawnProgram({
    command: [process.execPath, "run", ...words],
    cwd: ROOT,
    env: environment({ DATABASE_URL: "", WHARF_DATA_DIR: dataDir }),
  });
  const code = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

async function postmasterOf(dataDir: string): Promise<number> {
  const found = await findEmbeddedPostgres({ dataDir: join(dataDir, "postgres") });
  const text = await Bun.file(join(found?.dataDir ?? "", "cluster/postmaster.pid")).text();
  return Number(text.split("\n")[0]);
}

describe("a server with the embedded Postgres", () => {
  test("restarts a Postgres that was killed, at the same port, and logs it", async () => {
    const dataDir = join(folder, "killed");
    const { program, url } = await launch(dataDir);
    const before = anEvent();
    expect((await postEvents(url, [before]))?.status).toBe(202);
    const address = (await command(dataDir, "database-url")).stdout;

    const killed = await postmasterOf(dataDir);
    process.kill(killed, "SIGKILL");
    await program.waitForOutput(/"msg":"embedded Postgres stopped; restarting"/);
    await program.waitForOutput(/"msg":"embedded Postgres restarted"/);
    await until(async () => (await statusOf(url, "/health/ready")) === 200);

    expect(await postmasterOf(dataDir)).not.toBe(killed);
    expect((await command(dataDir, "database-url")).stdout).toBe(address);
    const again = await postEvents(url, [before, anEvent()]);
    expect(again?.body).toMatchObject({ ingested: 1, duplicates: 1 });
    program.kill("SIGTERM");
    expect(await program.exited).toBe(0);
    expect((await findEmbeddedPostgres({ dataDir: join(dataDir, "postgres") }))?.url).toBeUndefined();
  });

  test("answers 503 while it cannot be restarted, reports the reason in its health, and no command starts another", async () => {
    const dataDir = join(folder, "broken");
    const { program, url } = await launch(dataDir);
    const control = join(dataDir, "postgres/cluster/global/pg_control");
    await rename(control, join(folder, "aside"));
    process.kill(await postmasterOf(dataDir), "SIGKILL");
    await program.waitForOutput(/"msg":"embedded Postgres restart failed"/);

    expect(await postEvents(url, [anEvent()])).toMatchObject({ status: 503, retryAfter: expect.any(String) });
    const health = await fetch(`${url}/api/health`);
    expect(health.status).toBe(503);
    const error = expect.stringContaining("the embedded Postgres has stopped and is being restarted");
    expect(await health.json()).toMatchObject({ status: "unhealthy", checks: { db: { ok: false, error } } });
    for (const words of [["health"], ["jobs", "list"], ["migrate"]]) {
      const { code, stdout, stderr } = await command(dataDir, ...words);
      expect(code).toBe(1);
      expect(stdout + stderr).toContain("is restarting its database");
    }
    await expect(postmasterOf(dataDir)).resolves.toSatisfy((pid: number) => !isRunning(pid));

    await rename(join(folder, "aside"), control);
    await program.waitForOutput(/"msg":"embedded Postgres restarted"/);
    await until(async () => (await postEvents(url, [anEvent()]))?.status === 202);
    expect(JSON.parse((await command(dataDir, "health")).stdout)).toMatchObject({ ok: true });
  });

  test("finds its events after its data folder was renamed", async () => {
    const dataDir = join(folder, "old-name");
    const first = await launch(dataDir);
    const event = anEvent();
    await postEvents(first.url, [event]);
    first.program.kill("SIGTERM");
    await first.program.exited;
    expect((await stat(join(dataDir, "postgres/cluster"))).isDirectory()).toBe(true);
    await rename(dataDir, join(folder, "new-name"));
    const second = await launch(join(folder, "new-name"));
    expect((await postEvents(second.url, [event]))?.body).toMatchObject({ ingested: 0, duplicates: 1 });
  });
});

describe("data of the embedded Postgres", () => {
  const database = useTestDatabase();

  test("moves to another Postgres while its server runs, which the command says", async () => {
    const dataDir = join(folder, "moved");
    const { program, url } = await launch(dataDir);
    const event = anEvent();
    await postEvents(url, [event]);
    const { code, stdout, stderr } = await command(dataDir, "move", "--to", database.url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toStartWith("Wharf is running on this database.");
    expect([...(await database.sql`SELECT id FROM events`)]).toEqual([{ id: event.id }]);
    expect((await postEvents(url, [anEvent()]))?.status).toBe(202);
    program.kill("SIGTERM");
    expect(await program.exited).toBe(0);
  });

  test("is backed up while no server runs, and restored into the embedded Postgres of another folder", async () => {
    const file = join(folder, "embedded.backup");
    const made = await command(join(folder, "moved"), "backup", file);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).not.toContain("Wharf is running");
    expect(await command(join(folder, "restored"), "restore", file)).toMatchObject({ code: 0, stderr: "" });
    const { url } = await launch(join(folder, "restored"));
    const [event] = await database.sql<{ id: string }[]>`SELECT id FROM events`;
    expect((await postEvents(url, [{ ...anEvent(), id: event?.id }]))?.body).toMatchObject({ duplicates: 1 });
    const again = await command(join(folder, "restored"), "restore", file);
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("The target database is not empty"),
    });
  });
});

test.if(process.getuid?.() === 0)(
  "of two copies of a data folder that name one database, the second server is refused and the first one serves on",
  async () => {
    const dataDir = join(folder, "pointer");
    await mkdir(dataDir, { mode: 0o700 });
    const { program, url } = await launch(dataDir);
    const pointed = (await Bun.file(join(dataDir, "postgres/location")).text()).trim();
    await cp(dataDir, join(folder, "pointer-copy"), { recursive: true });
    const second = spawnServer({ DATABASE_URL: "", WHARF_DATA_DIR: join(folder, "pointer-copy") });
    expect(await second.exited).toBe(1);
    expect(second.stderr).toContain(`uses the data directory ${pointed}`);
    expect((await postEvents(url, [anEvent()]))?.status).toBe(202);
    program.kill("SIGTERM");
    await program.exited;
    await rm(pointed, { recursive: true });
  },
);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
