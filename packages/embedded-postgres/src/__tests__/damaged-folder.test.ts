import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SQL } from "bun";
import { createDataFolder, TEST_TIMEOUT_MS } from "./data-folder.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const folder = await createDataFolder();
afterEach(() => folder.stopAll(), TEST_TIMEOUT_MS);
afterAll(() => folder.remove(), TEST_TIMEOUT_MS);

/** Backends of a killed server keep its port until they have ended, too. */
async function listenOnceFree(port: number) {
  for (;;) {
    try {
      return Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
    } catch {
      await Bun.sleep(10);
    }
  }
}

async function settingOf(url: string, name: string): Promise<unknown> {
  const sql = new SQL({ url, max: 1, connectionTimeout: 5 });
  try {
    const [row] = await sql`SELECT current_setting(${name}) AS value`;
    return row?.value;
  } finally {
    await sql.close();
  }
}

describe("a data folder that lost", () => {
  for (const lost of ["PG_VERSION", "base", "global/pg_control", "pg_wal"]) {
    test(`${lost} is refused, and works again with the same password once it is back`, async () => {
      const { dataDir, url, stop } = await folder.start();
      await stop();
      const path = join(dataDir, "cluster", lost);
      await rename(path, join(dataDir, "aside"));
      await expect(folder.start()).rejects.toThrow(`is incomplete (missing: ${lost})`);
      await rename(join(dataDir, "aside"), path);
      const again = await folder.start();
      expect(new URL(again.url).password).toBe(new URL(url).password);
      expect(await settingOf(again.url, "server_encoding")).toBe("UTF8");
    });
  }

  test("its cluster is refused instead of getting an empty database", async () => {
    const { dataDir, url, stop } = await folder.start();
    await stop();
    const cluster = join(dataDir, "cluster");
    await rename(cluster, join(dataDir, "aside"));
    await expect(folder.start()).rejects.toThrow(`${cluster} does not exist`);
    await rename(join(dataDir, "aside"), cluster);
    expect((await folder.start()).dataDir).toBe(dataDir);
    expect((await readFile(join(dataDir, "password"), "utf8")).trim()).toBe(new URL(url).password);
  });
});

describe("a postgresql.conf that was cut short", () => {
  test("still gives a server with our address and settings", async () => {
    const { dataDir, stop } = await folder.start();
    await stop();
    await truncate(join(dataDir, "cluster", "postgresql.conf"));
    const server = await folder.start({ settings: { max_connections: "17" } });
    expect(await settingOf(server.url, "max_connections")).toBe("17");
    expect(await settingOf(server.url, "listen_addresses")).toBe("127.0.0.1");
    expect(await settingOf(server.url, "unix_socket_directories")).toBe("");
  });

  test("within a line is refused with the reason in the log", async () => {
    const { dataDir, stop } = await folder.start();
    await stop();
    const file = join(dataDir, "cluster", "postgresql.conf");
    const text = await readFile(file, "utf8");
    await writeFile(file, "max_connections = 100\nshared_buf");
    await expect(folder.start()).rejects.toThrow("postgresql.conf");
    await writeFile(file, text);
  });

  test("or deleted is written again", async () => {
    const { dataDir, stop } = await folder.start();
    await stop();
    await rm(join(dataDir, "cluster", "postgresql.conf"));
    const server = await folder.start({ settings: { max_connections: "18" } });
    expect(await settingOf(server.url, "max_connections")).toBe("18");
  });
});

/** As its supervision does, again: the processes of a killed server keep its memory for a moment. */
async function restart(server: { restart(): Promise<void> }): Promise<void> {
  try {
    await server.restart();
  } catch (error) {
    if (!String(error).includes("shared memory block")) throw error;
    await restart(server);
  }
}

describe("a server that ended by itself", () => {
  test("is started again at its address, with what it had", async () => {
    const server = await folder.start();
    const { url, port, pid } = server;
    process.kill(pid, "SIGKILL");
    while (await server.isRunning());
    await restart(server);
    expect(await server.isRunning()).toBe(true);
    expect(server.pid).not.toBe(pid);
    expect(await settingOf(url, "port")).toBe(`${port}`);
    await server.stop();
    expect(await server.isRunning()).toBe(false);
  });

  test("is not started a second time while it runs", async () => {
    const server = await folder.start();
    const { pid } = server;
    await server.restart();
    expect(server.pid).toBe(pid);
  });

  test("is refused while another program has its port, and starts when the port is free", async () => {
    const server = await folder.start();
    process.kill(server.pid, "SIGKILL");
    while (await server.isRunning());
    const squatter = await listenOnceFree(server.port);
    await expect(server.restart()).rejects.toThrow("Address already in use");
    squatter.stop(true);
    await restart(server);
    expect(await settingOf(server.url, "port")).toBe(`${server.port}`);
  });
});
