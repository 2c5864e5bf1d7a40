import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnProgram, TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import { createJobRunner, defineJob } from "../index.ts";
import { anything } from "./anything.ts";
import { ended, silent } from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);
const folder = mkdtempSync(join(tmpdir(), "job-runner-processes-"));
afterAll(() => rmSync(folder, { recursive: true }));

function worker(path: string, jobs: number) {
  const command = [
    process.execPath,
    join(import.meta.dir, "programs", "sqlite-worker.ts"),
    path,
    String(jobs),
  ];
  return spawnProgram({ command, cwd: folder });
}

const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, first]) => first ?? "");

test("a job whose process is killed runs again in the next one, when its lease has ended", async () => {
  const path = join(folder, "killed.db");
  const first = worker(path, 1);
  await first.waitForOutput(/all stored/);
  first.kill("SIGUSR2");
  const [, id = ""] = await first.waitForOutput(/running (\d+)/);
  first.kill("SIGKILL");
  await first.exited;

  const endless = defineJob({ name: "endless", input: anything, run: () => "ended after all" });
  const runner = createJobRunner({
    dsn: `sqlite:${path}`,
    jobs: [endless],
    logger: silent,
    maxBackoffMs: 100,
  });
  expect(await runner.get(id)).toMatchObject({ status: "running", recoveries: 0 });
  await runner.start();
  await ended(runner, id, "completed");
  expect(await runner.get(id)).toMatchObject({
    output: "ended after all",
    recoveries: 1,
    leaseGeneration: 2,
  });
  await runner.drain();
});

test("every acknowledged enqueue survives a kill", async () => {
  const path = join(folder, "acknowledged.db");
  const program = worker(path, 100_000);
  await program.waitForOutput(/stored 200\b/);
  program.kill("SIGKILL");
  await program.exited;
  const stored = matches(program.stdout, /stored (\d+)\n/g);
  expect(stored.length).toBeGreaterThanOrEqual(200);

  const runner = createJobRunner({ dsn: `sqlite:${path}`, logger: silent });
  for (const id of stored) expect((await runner.get(id))?.id).toBe(id);
  await runner.drain();
});

test("a process opens a new file while another one is writing the file's schema", async () => {
  const path = join(folder, "opened.db");
  const program = `
    const db = new (await import("bun:sqlite")).Database(${JSON.stringify(path)}, { create: true });
    db.run("BEGIN IMMEDIATE");
    console.log("writing");
    Bun.sleepSync(300);
    db.run("COMMIT");`;
  const writer = spawnProgram({ command: [process.execPath, "-e", program], cwd: folder });
  await writer.waitForOutput(/writing/);
  const runner = createJobRunner({ dsn: `sqlite:${path}`, logger: silent });
  expect(await runner.get("1")).toBeUndefined();
  await runner.drain();
  expect(await writer.exited).toBe(0);
});

test("two processes on one file run each job once, and one job of a key at a time", async () => {
  const path = join(folder, "two.db");
  const programs = [worker(path, 150), worker(path, 150)];
  for (const program of programs) await program.waitForOutput(/all stored/);
  for (const program of programs) program.kill("SIGUSR2");
  const output = () => programs.map((program) => program.stdout).join("");
  await until(() => matches(output(), /leave \S+ \S+ (\d+)\n/g).length >= 300);
  for (const program of programs) program.kill("SIGTERM");
  for (const program of programs) expect(await program.exited).toBe(0);

  const runs = matches(output(), /enter \S+ \S+ (\d+)\n/g);
  expect(new Set(runs).size).toBe(300);
  expect(runs).toHaveLength(300);
  for (const key of ["k0", "k1", "k2"]) {
    const at = (what: string) =>
      matches(output(), new RegExp(`${what} ${key} (\\S+) `, "g"))
        .map(Number)
        .sort((a, b) => a - b);
    const [entered, left] = [at("enter"), at("leave")];
    const overlaps = entered.filter((time, n) => n > 0 && time < (left[n - 1] ?? 0));
    expect(overlaps).toEqual([]);
  }
});
