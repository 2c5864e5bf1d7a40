import { afterAll, afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import zlib from "node:zlib";
import { createTestDatabase, TEST_TIMEOUT_MS, type TestDatabase } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import { contentsOf, seedEveryTable } from "../../db/transfer/__tests__/seed-every-table.ts";
import { runCommand } from "./command.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const server = setupApp();
const folder = await mkdtemp(join(tmpdir(), "wharf-backups-"));
let target: TestDatabase;
let file = "";
let files = 0;

beforeEach(async () => {
  target = await createTestDatabase();
  files += 1;
  file = join(folder, `${files}.wharf`);
});
afterEach(() => target.drop());
afterAll(() => rm(folder, { recursive: true }));

const backup = (...words: string[]) => runCommand(server.url, "backup", ...words);
const restore = (...words: string[]) => runCommand(target.url, "restore", ...words);

/** A backup whose lines were changed and packed again. */
async function rewrite(change: (lines: string[]) => string[]): Promise<void> {
  const text = zlib.zstdDecompressSync(await Bun.file(file).bytes()).toString();
  await writeFile(file, zlib.zstdCompressSync(change(text.trimEnd().split("\n")).join("\n").concat("\n")));
}

describe("a backup and its restore", () => {
  test("give every row of every table back, in a file for its owner alone", async () => {
    await seedEveryTable(server);
    const made = await backup(file);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toMatch(/^events {19}14 rows$/m);
    expect(made.stdout).toMatch(/^Backed up \d+ rows in \d+ tables to .*\.wharf\.$/m);
    expect(made.stdout).toContain("change_log was not copied");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const restored = await restore(file);
    expect(restored).toMatchObject({ code: 0, stderr: "" });
    expect(restored.stdout).toContain("All counts and checksums are equal.");
    expect(await contentsOf(target)).toEqual(await contentsOf(server));
  });

  test("work through standard output", async () => {
    await seedEveryTable(server);
    const child = Bun.spawn([process.execPath, "run", "backup", "-"], {
      cwd: join(import.meta.dir, "../../../../.."),
      env: { ...process.env, DATABASE_URL: server.url },
      stdout: Bun.file(file),
      stderr: "pipe",
    });
    const report = await new Response(child.stderr).text();
    expect(await child.exited).toBe(0);
    expect(report).toMatch(/^Backed up \d+ rows in \d+ tables\.$/m);
    expect((await restore(file)).code).toBe(0);
    expect(await contentsOf(target)).toEqual(await contentsOf(server));
  });

  test("name a folder of blobs that has to be copied, too", async () => {
    process.env["BLOB_URL"] = "file:///srv/blobs";
    try {
      expect((await backup(file)).stdout).toContain("Blobs are files in /srv/blobs");
    } finally {
      delete process.env["BLOB_URL"];
    }
  });

  test("name the bucket of blobs that the target needs, too", async () => {
    const settings = {
      BLOB_URL: "s3://data/wharf",
      AWS_ACCESS_KEY_ID: "id",
      AWS_SECRET_ACCESS_KEY: "canary",
    };
    Object.assign(process.env, settings);
    try {
      const { stdout } = await backup(file);
      expect(stdout).toContain("Blobs are objects of the bucket data");
      expect(stdout).not.toContain("canary");
    } finally {
      for (const name of Object.keys(settings)) delete process.env[name];
    }
  });
});

describe("a backup is refused", () => {
  test("to a file that exists, which stays as it is", async () => {
    await writeFile(file, "kept");
    expect(await backup(file)).toMatchObject({ code: 1, stderr: expect.stringContaining("exists") });
    expect(await Bun.file(file).text()).toBe("kept");
  });

  test("to a folder that does not exist", async () => {
    const nowhere = join(folder, "nowhere");
    expect(await backup(join(nowhere, "file"))).toEqual({
      code: 1,
      stdout: "",
      stderr: `Cannot create a file in ${nowhere} (ENOENT): choose another directory.\n`,
    });
  });

  test("of a database without Wharf's tables, and leaves no file", async () => {
    const { code, stderr } = await runCommand(target.url, "backup", file);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "This database contains no Wharf data.\n" });
    expect((await readdir(folder)).filter((name) => file.includes(name))).toEqual([]);
  });
});

describe("a restore refuses as a whole", () => {
  async function expectNothingRestored(pattern: string): Promise<void> {
    const { code, stdout, stderr } = await restore(file);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining(pattern),
    });
    expect([...(await target.sql`SELECT relname FROM pg_class WHERE relname = '_migrations'`)]).toEqual([]);
  }

  const damage: Record<string, (lines: string[]) => string[]> = {
    "a file without its last line": (lines) => lines.slice(0, -1),
    "a file that lacks a row": (lines) => lines.filter((line) => !line.startsWith('["odd-1"')),
    "a file with a row twice": (lines) =>
      lines.flatMap((line) => (line.startsWith('["odd-1"') ? [line, line] : [line])),
    "a row that was changed": (lines) => lines.map((line) => line.replace("odd-2", "odd-3")),
    "a header that was changed": (lines) => lines.map((line) => line.replace('"wharf":"', '"wharf":"9')),
    "a file without a table": (lines) => lines.filter((line) => !line.startsWith('{"table":"devices"')),
  };
  for (const [name, change] of Object.entries(damage)) {
    test(name, async () => {
      await seedEveryTable(server);
      await backup(file);
      await rewrite(change);
      await expectNothingRestored("is damaged, or is not a backup of Wharf");
    });
  }

  test("a file that was cut short, wherever it was", async () => {
    await seedEveryTable(server);
    await backup(file);
    const whole = await Bun.file(file).bytes();
    for (const length of [0, 3, Math.floor(whole.length / 2), whole.length - 5]) {
      await writeFile(file, whole.subarray(0, length));
      await expectNothingRestored("is damaged, or is not a backup of Wharf");
    }
  });

  test("a file with a byte changed", async () => {
    await backup(file);
    const bytes = await Bun.file(file).bytes();
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await expectNothingRestored("is damaged, or is not a backup of Wharf");
  });

  test("a file that is no backup, and one that is not there", async () => {
    await writeFile(file, "-- PostgreSQL database dump\n");
    await expectNothingRestored("is damaged, or is not a backup of Wharf");
    await rm(file);
    await expectNothingRestored("cannot be read (ENOENT)");
  });

  test("another version of the format", async () => {
    await backup(file);
    await rewrite((lines) => lines.map((line) => line.replace('"version":1', '"version":2')));
    await expectNothingRestored("is a backup of format 2, and this version of Wharf reads format 1");
  });

  test("a target with rows, which it names", async () => {
    await backup(file);
    const { code, stderr } = await runCommand(server.url, "restore", file);
    expect(code).toBe(0);
    await server.sql`INSERT INTO session_tombstones (session_id) VALUES ('kept')`;
    const again = await runCommand(server.url, "restore", file);
    expect(stderr).toBe("");
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("it holds session_tombstones") });
  });
});

describe("bun run move", () => {
  test("copies to an empty database, with a line per table, and names the next step", async () => {
    await seedEveryTable(server);
    const { code, stdout, stderr } = await runCommand(server.url, "move", "--to", target.url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^events {19}14 rows$/m);
    expect(stdout).toMatch(/^Copied \d+ rows in \d+ tables\. All counts and checksums are equal\.$/m);
    expect(stdout).toContain("Start Wharf with DATABASE_URL");
    expect(stdout).not.toContain(new URL(target.url).password);
    expect(await contentsOf(target)).toEqual(await contentsOf(server));
  });

  test("refuses the source as its target, by any address", async () => {
    const url = new URL(server.url);
    url.hostname = "localhost";
    const { code, stderr } = await runCommand(server.url, "move", "--to", url.href);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("is the source database"),
    });
  });

  test("names what is wrong with the target's address, not with DATABASE_URL", async () => {
    for (const [address, exitCode] of [
      ["nonsense", 2],
      ["mysql://wharf:canary@127.0.0.1/wharf", 2],
      ["", 2],
      ["postgres://wharf:canary@127.0.0.1:1/wharf", 1],
    ] as const) {
      const { code, stderr } = await runCommand(server.url, "move", "--to", address);
      expect({ code, stderr }).toEqual({ code: exitCode, stderr: expect.stringContaining("--to") });
      expect(stderr).not.toContain("canary");
      expect(stderr).not.toContain("DATABASE_URL: ");
    }
  });

  test("to a database with another encoding names the statement to create one, and the command to repeat", async () => {
    const name = new URL(target.url).pathname.slice(1);
    const latin = `${name}_latin`;
    await server.sql.unsafe(`CREATE DATABASE ${latin} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
    try {
      const url = Object.assign(new URL(target.url), { pathname: `/${latin}` }).href;
      const { code, stderr } = await runCommand(server.url, "move", "--to", url);
      expect(code).toBe(1);
      expect(stderr).toContain("ENCODING 'UTF8' LOCALE 'C'; and repeat the command with --to and its URL.");
      expect(stderr).not.toContain("pg_dump");
    } finally {
      await server.sql.unsafe(`DROP DATABASE ${latin}`);
    }
  });
});
