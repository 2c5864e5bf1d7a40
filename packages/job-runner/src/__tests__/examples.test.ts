import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, spawnProgram, TEST_TIMEOUT_MS } from "@wharf/testkit";
import manifest from "../../package.json";

setDefaultTimeout(TEST_TIMEOUT_MS);
const EXAMPLES = join(import.meta.dir, "../../../../examples");
const folder = await mkdtemp(join(tmpdir(), "job-runner-examples-"));
afterAll(() => rm(folder, { recursive: true }));

const textOf = (...path: string[]) => Bun.file(join(EXAMPLES, ...path)).text();

/** The last command of its README, with these variables and no other of ours. */
async function run(example: string, variables: Record<string, string>) {
  const { DATABASE_URL: _, JOBS_DSN: __, ...inherited } = process.env;
  const command = (await textOf(example, "README.md")).match(/```sh\n[\s\S]*?\n(.+)\n```/)?.[1] ?? "";
  const program = spawnProgram({
    command: command.split(" "),
    cwd: join(EXAMPLES, example),
    env: { ...inherited, ...variables, USE_ADVISORY_LOCKS: "" },
  });
  return { code: await program.exited, stdout: program.stdout, stderr: program.stderr };
}

/** What the README says that it prints. */
async function expectedOutput(example: string): Promise<string> {
  return (await textOf(example, "README.md")).match(/\n\n```\n([\s\S]*?)^```$/m)?.[1] ?? "";
}

describe("the examples", () => {
  test("in memory: prints what its README shows", async () => {
    const { code, stdout } = await run("basic-memory", { JOBS_DSN: "memory:" });
    expect({ code, stdout }).toEqual({ code: 0, stdout: await expectedOutput("basic-memory") });
  });

  test("in a SQLite file: prints the same, and the jobs are kept", async () => {
    const dsn = `sqlite:${join(folder, "jobs.db")}`;
    const { code, stdout } = await run("basic-memory", { JOBS_DSN: dsn });
    expect({ code, stdout }).toEqual({ code: 0, stdout: await expectedOutput("basic-memory") });
    const again = await run("basic-memory", { JOBS_DSN: dsn });
    expect(again.stdout).toContain("Hello, Ada! (job 5, attempt 1)");
  });

  test("on an empty Postgres: makes the tables, and prints what its README shows", async () => {
    const database = await createTestDatabase();
    try {
      const { code, stdout } = await run("basic-postgres", { DATABASE_URL: database.url });
      expect({ code, stdout }).toEqual({ code: 0, stdout: await expectedOutput("basic-postgres") });
      const archived = await database.sql`SELECT DISTINCT type, queue FROM jobs_archive`;
      expect(archived).toMatchObject([{ type: "greet", queue: "examples" }]);
    } finally {
      await database.drop();
    }
  });

  test("without a DATABASE_URL the Postgres example names the variable", async () => {
    const { code, stderr } = await run("basic-postgres", { DATABASE_URL: "" });
    expect(code).toBe(1);
    expect(stderr).toContain("Set DATABASE_URL");
  });

  test("differ only in their store, and import only public exports", async () => {
    const names = await readdir(EXAMPLES);
    expect(names.sort()).toEqual(["basic-memory", "basic-postgres"]);
    const programs = await Promise.all(names.map((name) => textOf(name, "src/main.ts")));
    const common = programs.map((text) => text.slice(text.indexOf("const greet")).replace(/^\/\/ .*\n/m, ""));
    expect(common[0]).toBe(common[1] ?? "");
    const exported = Object.keys(manifest.exports).map((path) => path.replace(".", "@wharf/job-runner"));
    for (const program of programs) {
      const imported = [...program.matchAll(/from "(.+)"/g)].map(([, module]) => module);
      expect([...exported, "dotenv", "zod"]).toEqual(expect.arrayContaining(imported));
    }
  });

  test("have an .env.example with the variables that they read", async () => {
    for (const name of await readdir(EXAMPLES)) {
      const [, variable = ""] = (await textOf(name, "src/main.ts")).match(/process\.env\["(\w+)"\]/) ?? [];
      expect(await textOf(name, ".env.example")).toMatch(new RegExp(`^${variable}=.+$`, "m"));
    }
  });
});
