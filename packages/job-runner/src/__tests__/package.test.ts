import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { spawnProgram, TEST_TIMEOUT_MS } from "@wharf/testkit";

setDefaultTimeout(TEST_TIMEOUT_MS);

/** Packing runs the TypeScript compiler: minutes on a machine that is busy. */
const PACK_TIMEOUT_MS = 5 * TEST_TIMEOUT_MS;
const PACKAGE = resolve(import.meta.dir, "../..");
const TSC = resolve(PACKAGE, "../../node_modules/.bin/tsc");
const BUN_TYPES = dirname(Bun.resolveSync("bun-types/package.json", PACKAGE));
/** What an installation of the package brings, or the program itself has to have. */
const INSTALLED = ["croner", "pino", "postgres", "zod"];

const PROGRAM = `
import { createJobRunner, defineJob } from "@wharf/job-runner";
import { z } from "zod";

const welcome = defineJob({
  name: "welcome",
  input: z.object({ name: z.string() }),
  output: z.string(),
  run: (_context, { name }) => \`Welcome, \${name}!\`,
});
const runner = createJobRunner({ dsn: process.argv[2] ?? "memory:", jobs: [welcome] });
await runner.start();
const { id } = await runner.enqueue(welcome, { name: "Ada" });
const { output } = await runner.waitFor(id);
console.log(output);
await runner.drain();
`;
const TSCONFIG = {
  compilerOptions: {
    target: "ESNext",
    module: "ESNext",
    moduleResolution: "bundler",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    types: ["bun-types"],
  },
  files: ["main.ts"],
};

let folder: string;
const run = async (command: string[], cwd: string) => {
  const program = spawnProgram({ command, cwd });
  const code = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-package-"));
  expect((await run([process.execPath, "scripts/pack.ts", folder], PACKAGE)).code).toBe(0);
  const [tarball = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  const modules = join(folder, "program/node_modules");
  await mkdir(join(modules, "@wharf"), { recursive: true });
  expect(
    (await run(["tar", "-xzf", join(folder, tarball), "-C", join(modules, "@wharf")], folder)).code,
  ).toBe(0);
  expect((await run(["mv", "package", "job-runner"], join(modules, "@wharf"))).code).toBe(0);
  for (const name of INSTALLED) await symlink(join(PACKAGE, "node_modules", name), join(modules, name));
  await symlink(BUN_TYPES, join(modules, "bun-types"));
  await Bun.write(join(folder, "program/main.ts"), PROGRAM);
  await Bun.write(join(folder, "program/tsconfig.json"), JSON.stringify(TSCONFIG));
}, PACK_TIMEOUT_MS);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("the packed engine runs in a project of its own, in memory and in a SQLite file", async () => {
  for (const dsn of ["memory:", "sqlite:jobs.db"]) {
    const { code, stdout, stderr } = await run([process.execPath, "main.ts", dsn], join(folder, "program"));
    expect([code, stdout.trim().split("\n").at(-1), stderr]).toEqual([0, "Welcome, Ada!", ""]);
  }
});

test("a project of its own type-checks against the packed engine, libraries included, without Kysely", async () => {
  expect(await run([TSC, "-p", "tsconfig.json"], join(folder, "program"))).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  });
});

test("a wrong input is a type error in that project", async () => {
  const wrong = PROGRAM.replace('{ name: "Ada" }', "{ name: 1 }");
  await Bun.write(join(folder, "program/wrong.ts"), wrong);
  const config = JSON.stringify({ ...TSCONFIG, files: ["wrong.ts"] });
  await Bun.write(join(folder, "program/tsconfig.wrong.json"), config);
  const { code, stdout } = await run([TSC, "-p", "tsconfig.wrong.json"], join(folder, "program"));
  expect([code > 0, stdout]).toEqual([
    true,
    expect.stringContaining("'number' is not assignable to type 'string'"),
  ]);
});

test("the package has a license, a README and no tests", async () => {
  const files = await readdir(join(folder, "program/node_modules/@wharf/job-runner"), { recursive: true });
  expect(files).toEqual(
    expect.arrayContaining(["LICENSE", "README.md", "package.json", "src/migrations/006_jobs.sql"]),
  );
  expect(files.filter((file) => /__tests__|conformance|\.test\.ts$/.test(file))).toEqual([]);
});
