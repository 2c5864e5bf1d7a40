import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, spawnProgram, TEST_TIMEOUT_MS } from "@wharf/testkit";
import * as engine from "../index.ts";

const PACKAGE = join(import.meta.dir, "../..");
/** The engine's logger writes JSON in addition to the output of the programs. */
const LOG_LINE = /^\{"level":.*\n/gm;
const readme = await Bun.file(join(PACKAGE, "README.md")).text();
const programs = readme.split(/^## /m).flatMap((text, section) =>
  [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, program = ""]) => ({
    section: section === 0 ? "the first screen" : (text.split("\n")[0] ?? ""),
    program,
  })),
);
let folder = "";

setDefaultTimeout(TEST_TIMEOUT_MS);

/** A separate project with the package, postgres and zod in its node_modules. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "job-runner-readme-"));
  await mkdir(join(folder, "node_modules", "@wharf"), { recursive: true });
  await symlink(PACKAGE, join(folder, "node_modules", "@wharf", "job-runner"));
  for (const name of ["postgres", "zod"]) {
    await symlink(await realpath(join(PACKAGE, "node_modules", name)), join(folder, "node_modules", name));
  }
});
afterAll(() => rm(folder, { recursive: true }));

async function run(program: string, environment: Record<string, string>) {
  const file = join(folder, `${Bun.hash(program)}.ts`);
  await Bun.write(file, program);
  const { DATABASE_URL: _, ...inherited } = process.env;
  const child = spawnProgram({
    command: [process.execPath, file],
    cwd: folder,
    env: { ...inherited, ...environment, USE_ADVISORY_LOCKS: "" },
  });
  const code = await child.exited;
  return { code, stdout: child.stdout.replaceAll(LOG_LINE, ""), stderr: child.stderr };
}

/** What a program prints, by the comments behind what prints it. */
const printed = (program: string) =>
  [...program.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, line]) => `${line}\n`).join("");

describe("the README's programs", () => {
  for (const { section, program } of programs) {
    test(`the one of "${section}" prints what its comments say`, async () => {
      expect(printed(program)).not.toBe("");
      const database = program.includes('from "postgres"') ? await createTestDatabase() : undefined;
      try {
        const environment = database === undefined ? {} : { DATABASE_URL: database.url };
        expect(await run(program, environment)).toEqual({ code: 0, stdout: printed(program), stderr: "" });
      } finally {
        await database?.drop();
      }
    });
  }

  test("are there for every part of the engine", () => {
    expect(programs.map(({ section }) => section)).toEqual([
      "the first screen",
      "In your transaction",
      "Options of a runner",
      "Retries, keys and dead letters",
      "Durable jobs",
      "Schedules",
      "Administration and metrics",
      "Running commands",
    ]);
  });

  test("the first one is ten lines behind its imports, and does the same on SQLite and on an empty Postgres", async () => {
    const program = programs[0]?.program ?? "";
    const body = program.split("\n").filter((line) => line !== "" && !line.startsWith("import"));
    expect(body).toHaveLength(10);
    const database = await createTestDatabase();
    try {
      for (const dsn of [`sqlite:${join(folder, "jobs.db")}`, database.url]) {
        const expected = { code: 0, stdout: printed(program), stderr: "" };
        expect(await run(program, { DATABASE_URL: dsn })).toEqual(expected);
      }
    } finally {
      await database.drop();
    }
  });
});

describe("the README's facts", () => {
  const promises = [...readme.matchAll(/^\|(.+)\| (`src\/.+) \|$/gm)].map(([, promise = "", tests = ""]) => ({
    promise: promise.trim(),
    tests: tests.split("; ").map((text) => text.match(/^`(.+)` › (.+)$/)?.slice(1) ?? [text]),
  }));

  test("every guarantee has a test", () => {
    const section = readme.slice(readme.indexOf("## Guarantees and their tests"));
    const rows = section.split("\n").filter((line) => line.startsWith("|"));
    expect(promises.length).toBe(rows.length - 2);
    expect(promises.length).toBeGreaterThan(10);
  });

  for (const { promise, tests } of promises) {
    test(`"${promise}" is shown by a test of that name`, async () => {
      for (const [path = "", name] of tests) {
        const file = Bun.file(join(PACKAGE, path));
        expect(await file.exists()).toBe(true);
        expect(name).toBeDefined();
        const registered =
          (await file.text()).match(/(?:test|describe|describeDriverContract)\([^;]*?["`][^;]*/g) ?? [];
        expect(registered.some((call) => call.includes(`${name}"`) || call.includes(`${name}\``))).toBe(true);
      }
    });
  }

  test("its limits are those of the code", () => {
    const rows = [...readme.matchAll(/^\| `([A-Z_]+_(?:MAX|BYTES|MS|LENGTH))` \| (\d+) \|/gm)];
    const limits = new Map<string, unknown>(Object.entries(engine));
    expect(rows.length).toBe(10);
    for (const [, name = "", value] of rows) expect(limits.get(name)).toBe(Number(value));
  });

  test("every method and metric that it names is there", () => {
    const runner = engine.createJobRunner({ dsn: "memory:" });
    for (const [, name = ""] of readme.matchAll(/(?<![\w-])runner\.(\w+)/g))
      expect(runner).toHaveProperty(name);
    const exposition = runner.metrics.prometheus();
    const written = [...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    const rows = readme.match(/^\| `phase6_.+$/gm) ?? [];
    const told = rows.flatMap((row) => {
      const [, names = "", type = ""] = row.split("|");
      return [...names.matchAll(/`(\w+)`/g)].map(([, name]) => `${name} ${type.trim()}`);
    });
    expect(told.sort()).toEqual(written.sort());
  });
});
