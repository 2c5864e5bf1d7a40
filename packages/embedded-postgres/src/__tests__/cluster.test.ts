import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFile, chmod, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { SQL } from "bun";
import { findEmbeddedPostgres } from "../find.ts";
import { answersOnPort } from "../port.ts";
import { createDataFolder, isRunning, processField, TEST_TIMEOUT_MS } from "./data-folder.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

// One folder for all: an initialisation takes longer than all the rest of a test.
const folder = await createDataFolder();
afterEach(() => folder.stopAll(), TEST_TIMEOUT_MS);
afterAll(() => folder.remove(), TEST_TIMEOUT_MS);

async function ask(url: string, statement: string): Promise<unknown[]> {
  const sql = new SQL({ url, max: 1, connectionTimeout: 5 });
  try {
    return [...(await sql.unsafe(statement).values())].flat();
  } finally {
    await sql.close();
  }
}

describe("a start in an empty folder", () => {
  test("gives a UTF-8 database on a loopback port that takes the password and no other", async () => {
    const server = await folder.start({ database: 'it\'s "mine"' });
    const [name, encoding, address] = await ask(
      server.url,
      "SELECT current_database(), current_setting('server_encoding'), current_setting('listen_addresses')",
    );
    expect({ name, encoding, address }).toEqual({
      name: 'it\'s "mine"',
      encoding: "UTF8",
      address: "127.0.0.1",
    });
    expect(server.adopted).toBe(false);
    const wrong = new URL(server.url);
    wrong.password = "wrong";
    await expect(ask(wrong.href, "SELECT 1")).rejects.toThrow("password authentication failed");
  });

  test("keeps the password in a file that only its owner reads", async () => {
    const server = await folder.start();
    const file = join(server.dataDir, "password");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(new URL(server.url).password).toBe((await readFile(file, "utf8")).trim());
    expect((await stat(server.dataDir)).mode & 0o777).toBe(0o700);
  });

  test("hands the settings to the server", async () => {
    const server = await folder.start({ settings: { max_connections: "17", application_name: "it's" } });
    expect(await ask(server.url, "SHOW max_connections")).toEqual(["17"]);
  });

  test("works in a folder of mode 0700", async () => {
    await chmod(folder.path, 0o700);
    const server = await folder.start();
    expect(await ask(server.url, "SELECT 1")).toEqual([1]);
  });

  test("begins again after an initialisation that was killed half-way", async () => {
    const server = await folder.start();
    await server.stop();
    for (const made of ["cluster", "databases"]) await rm(join(server.dataDir, made), { recursive: true });
    await Bun.write(join(server.dataDir, "cluster.partial", "PG_VERSION"), "18\n");
    const again = await folder.start();
    expect(await ask(again.url, "SELECT 1")).toEqual([1]);
  });

  test("runs in a process group of its own", async () => {
    const { program, started } = await folder.startInProgram();
    expect(await processField(started.pid, "pgid")).toBe(`${started.pid}`);
    process.kill(-program.pid, "SIGINT");
    await program.exited;
    expect(await answersOnPort(started.port)).toBe(true);
  });
});

describe("stop", () => {
  test("ends the server, cuts its sessions, and may be called twice at once and again", async () => {
    const server = await folder.start();
    const sql = new SQL({ url: server.url, max: 1 });
    await sql`SELECT 1`;
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(await isRunning(server.pid)).toBe(false);
    await sql.close({ timeout: 0 });
  });

  test("leaves alone a server that was started after ours had ended", async () => {
    const first = await folder.start();
    process.kill(first.pid, "SIGKILL");
    const second = await folder.start();
    await first.stop();
    expect(await ask(second.url, "SELECT 1")).toEqual([1]);
  });

  test("ends a frozen server", async () => {
    const server = await folder.start();
    process.kill(server.pid, "SIGSTOP");
    await server.stop();
    expect(await isRunning(server.pid)).toBe(false);
  });

  test("keeps the data for the next start", async () => {
    const first = await folder.start();
    await ask(first.url, "CREATE TABLE kept (id int)");
    await first.stop();
    const second = await folder.start();
    expect(await ask(second.url, "SELECT count(*)::int FROM kept")).toEqual([0]);
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
  });

  test("is done by a start that asks for a database that is not there, which it makes", async () => {
    const first = await folder.start();
    const second = await folder.start({ database: "other" });
    expect(await ask(second.url, "SELECT current_database()")).toEqual(["other"]);
    expect(await isRunning(first.pid)).toBe(false);
  });
});

describe("a start after a SIGKILL of the process that had started it", () => {
  test("takes over the server that still runs", async () => {
    const { program, started } = await folder.startInProgram();
    program.kill("SIGKILL");
    await program.exited;
    const server = await folder.start();
    expect(server).toMatchObject({ adopted: true, pid: started.pid, port: started.port, url: started.url });
    expect(await ask(server.url, "SELECT 1")).toEqual([1]);
  });

  test("replaces one that is frozen", async () => {
    const { program, started } = await folder.startInProgram();
    program.kill("SIGKILL");
    process.kill(started.pid, "SIGSTOP");
    const server = await folder.start();
    expect(server.adopted).toBe(false);
    expect(await ask(server.url, "SELECT 1")).toEqual([1]);
    expect(await isRunning(started.pid)).toBe(false);
  });
});

describe("a postmaster.pid that was left behind", () => {
  async function leaveBehind(pid: number) {
    const server = await folder.start();
    const file = join(server.dataDir, "cluster", "postmaster.pid");
    const lines = (await readFile(file, "utf8")).split("\n");
    await server.stop();
    await writeFile(file, [pid, ...lines.slice(1)].join("\n"));
  }

  test("of a process that is gone does not hinder a start", async () => {
    const gone = Bun.spawn(["true"]);
    await gone.exited;
    await leaveBehind(gone.pid);
    expect((await folder.start()).adopted).toBe(false);
  });

  test("with a pid that another program has now does not hinder a start, nor harm that program", async () => {
    const other = Bun.spawn(["sleep", "600"]);
    await leaveBehind(other.pid);
    const server = await folder.start();
    expect(await ask(server.url, "SELECT 1")).toEqual([1]);
    expect(await isRunning(other.pid)).toBe(true);
    other.kill("SIGKILL");
  });

  test("with the pid of the Postgres of another folder does not hinder a start, nor harm that one", async () => {
    const neighbour = await createDataFolder();
    const other = await neighbour.start();
    await leaveBehind(other.pid);
    const server = await folder.start();
    expect(server.pid).not.toBe(other.pid);
    expect(await ask(other.url, "SELECT 1")).toEqual([1]);
    await neighbour.remove();
  });

  test("that is cut short does not hinder a start", async () => {
    const server = await folder.start();
    await server.stop();
    await writeFile(join(server.dataDir, "cluster", "postmaster.pid"), "");
    await expect(folder.start()).resolves.toMatchObject({ adopted: false });
  });
});

describe("starts at the same time in one folder", () => {
  test("from several processes give one server, which one of them started", async () => {
    const all = await Promise.all([
      folder.startInProgram(),
      folder.startInProgram(),
      folder.startInProgram(),
    ]);
    const started = all.map((one) => one.started);
    expect(new Set(started.map(({ url }) => url)).size).toBe(1);
    expect(started.filter(({ adopted }) => !adopted)).toHaveLength(1);
    expect(await ask(started[0]?.url ?? "", "SELECT 1")).toEqual([1]);
  });

  test("from one process too", async () => {
    const [one, two] = await Promise.all([folder.start(), folder.start()]);
    expect([one.adopted, two.adopted].sort()).toEqual([false, true]);
    expect(one.pid).toBe(two.pid);
  });
});

describe("errors", () => {
  test("a start that cannot work ends with the log, and without the password or values of statements", async () => {
    const server = await folder.start();
    await ask(server.url, "SELECT 'canary-value'::int").catch(() => undefined);
    await server.stop();
    const log = join(server.dataDir, "postgres.log");
    const ofStatement = (await readFile(log, "utf8"))
      .split("\n")
      .filter((line) => line.includes("canary-value"));
    expect(ofStatement).toHaveLength(2);
    // At the end, where a crash would leave them.
    await appendFile(log, `${ofStatement.join("\n")}\n`);
    const failing = folder.start({ settings: { shared_buffers: "nonsense" } });
    await expect(failing).rejects.toThrow("invalid value for parameter");
    const error = await failing.catch((reason) => Bun.inspect(reason));
    expect(error).not.toContain(new URL(server.url).password);
    expect(error).not.toContain("canary-value");
  });

  test("a lost password file is named, with what to do", async () => {
    const server = await folder.start();
    await server.stop();
    const file = join(server.dataDir, "password");
    const password = await readFile(file, "utf8");
    await rm(file);
    await expect(folder.start()).rejects.toThrow(`${file} is missing`);
    await writeFile(file, password);
  });

  test("data of another major version is refused before the server runs", async () => {
    const server = await folder.start();
    await server.stop();
    const file = join(server.dataDir, "cluster", "PG_VERSION");
    await writeFile(file, "17\n");
    await expect(folder.start()).rejects.toThrow("was created by Postgres 17");
    await writeFile(file, "18\n");
  });
});

test("a port whose listener is no Postgres, or is silent, does not count as answering", async () => {
  const echo = createServer((socket) => socket.on("data", (data) => socket.end(data)).on("error", () => {}));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const address = echo.address();
  const port = typeof address === "object" && address ? address.port : 0;
  expect(await answersOnPort(port)).toBe(false);
  await new Promise((resolve) => echo.close(resolve));
  expect(await answersOnPort(port)).toBe(false);
});

test("the server runs as a user that is not root, in a folder of its own", async () => {
  const server = await folder.start();
  expect(server.dataDir).toBe(folder.path);
  const user = await processField(server.pid, "uid");
  expect(user).not.toBe("0");
  expect(`${(await stat(server.dataDir)).uid}`).toBe(user);
});

describe("a look at a folder", () => {
  test("sees nothing where nothing was started, and makes nothing there", async () => {
    const dataDir = join(folder.path, "never-started");
    expect(await findEmbeddedPostgres({ dataDir })).toBeUndefined();
    await expect(stat(dataDir)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("sees where the data is, and its address while it runs", async () => {
    const { url, dataDir, stop } = await folder.start();
    expect(await findEmbeddedPostgres({ dataDir: folder.path })).toEqual({ dataDir, url });
    await stop();
    expect(await findEmbeddedPostgres({ dataDir: folder.path })).toEqual({ dataDir, url: undefined });
  });
});
