import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEmbeddedPostgres } from "@wharf/embedded-postgres";
import { spawnProgram, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { environment, ROOT, readUrl, spawnServer } from "../../__tests__/faults/server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const folder = await mkdtemp(join(tmpdir(), "wharf-no-database-"));
const dataDir = join(folder, "data");
const variables = { DATABASE_URL: "", WHARF_DATA_DIR: dataDir };

afterEach(async () => {
  const made = await findEmbeddedPostgres({ dataDir: join(dataDir, "postgres") });
  if (made !== undefined) await rm(made.dataDir, { recursive: true });
  await rm(dataDir, { recursive: true, force: true });
});
afterAll(() => rm(folder, { recursive: true }));

async function command(...words: string[]) {
  const program = spawnProgram({
    command: [process.execPath, "run", ...words],
    cwd: ROOT,
    env: environment(variables),
  });
  const code = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

describe("in a folder without a database", () => {
  for (const words of [["jobs", "list"], ["jobs", "queues"], ["migrate", "--status"], ["database-url"]]) {
    test(`"bun run ${words.join(" ")}" names the remedy, and creates none`, async () => {
      const { code, stdout, stderr } = await command(...words);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain(
        `There is no database in ${dataDir}: set WHARF_DATA_DIR to the data directory of your server, run \`start\``,
      );
      expect(await readdir(folder)).toEqual([]);
    });
  }

  test('"bun run health" reports it as JSON, and creates none', async () => {
    const { code, stdout, stderr } = await command("health");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const error = expect.stringContaining(`There is no database in ${dataDir}`);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error });
    expect(await readdir(folder)).toEqual([]);
  });

  test('"bun run migrate" makes one, which the others then find', async () => {
    expect(await command("migrate")).toMatchObject({ code: 0, stderr: "" });
    expect(await command("health")).toMatchObject({ code: 0, stdout: expect.stringContaining('"ok":true') });
    expect(await command("jobs", "list")).toEqual({ code: 0, stdout: "", stderr: "" });
    const url = await command("database-url");
    expect(url).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "The embedded database is stopped. Start Wharf first: bun start\n",
    });
  });
});

describe("bun run database-url", () => {
  test("prints what psql needs while the server runs, and no log holds it", async () => {
    const server = spawnServer(variables);
    try {
      await readUrl(server);
      const { code, stdout, stderr } = await command("database-url");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const sql = new Bun.SQL(stdout.trim(), { max: 1 });
      expect([...(await sql`SELECT count(*)::integer AS jobs FROM jobs`)]).toEqual([{ jobs: 0 }]);
      await sql.close();
      expect(server.stdout + server.stderr).not.toContain(new URL(stdout.trim()).password);
    } finally {
      server.kill("SIGTERM");
      await server.exited;
    }
  });
});
