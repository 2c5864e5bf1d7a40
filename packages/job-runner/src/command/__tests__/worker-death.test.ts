import { expect, test } from "bun:test";
import { stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Program, spawnProgram, until } from "@wharf/testkit";
import { sweepRunFolders } from "../run-folder.ts";
import { isAlive, RUNS_AS_OWN_USER, useCommands } from "./setup.ts";

const commands = useCommands();
const { pidsIn, runFolders } = commands;

const MEMBERS = 3;
const SCRIPT = `
  echo $PPID > $OUT/supervisor
  (trap '' TERM HUP; echo $BASHPID >> $OUT/pids; sleep 60; :) &
  setsid bash -c 'trap "" TERM; echo $$ >> $OUT/pids; sleep 60; :' &
  (setsid bash -c '(echo $BASHPID >> $OUT/pids; trap "" TERM; sleep 60; :) & exit' &)
  sleep 60`;

function startWorker(script: string, silenceMs = 20_000): Program {
  const program = join(import.meta.dir, "programs", "command-worker.ts");
  return spawnProgram({
    command: [process.execPath, program, join(commands.root, "runs"), commands.root, script, `${silenceMs}`],
    cwd: import.meta.dir,
  });
}

async function family(): Promise<{ pids: number[]; supervisor: number }> {
  const pids = await pidsIn("pids", MEMBERS);
  const [supervisor = 0] = await pidsIn("supervisor");
  expect([...pids, supervisor].every(isAlive)).toBe(true);
  return { pids, supervisor };
}

const noneAlive = (pids: number[]) =>
  until(() => !pids.some(isAlive), { describe: () => `the end of ${pids.filter(isAlive)}` });

test("kill -9 of the worker ends its command with all descendants, and removes the workspace", async () => {
  const worker = startWorker(SCRIPT);
  const { pids, supervisor } = await family();
  worker.kill("SIGKILL");
  await noneAlive([...pids, supervisor]);
  expect(await runFolders()).toEqual([]);
});

test("after kill -9 of worker and supervisor the next sweep ends and removes the run", async () => {
  const worker = startWorker(SCRIPT);
  const { pids, supervisor } = await family();
  // The worker must not see its supervisor's end.
  worker.kill("SIGSTOP");
  process.kill(supervisor, "SIGKILL");
  worker.kill("SIGKILL");
  await worker.exited;
  expect(pids.every(isAlive)).toBe(true);
  expect(await runFolders()).toHaveLength(1);
  expect(await sweepRunFolders(join(commands.root, "runs"))).toBe(1);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(await runFolders()).toEqual([]);
});

test("a sweep keeps runs of living workers and other files, and accepts a missing folder", async () => {
  const worker = startWorker(SCRIPT);
  const { pids, supervisor } = await family();
  await writeFile(join(commands.root, "runs", "run-of-the-mill"), "");
  await utimes(join(commands.root, "runs", "run-of-the-mill"), 0, 0);
  expect(await sweepRunFolders(join(commands.root, "runs"))).toBe(0);
  expect(await sweepRunFolders(join(commands.root, "nowhere"))).toBe(0);
  expect(pids.every(isAlive)).toBe(true);
  expect(await runFolders()).toHaveLength(2);
  worker.kill("SIGKILL");
  await noneAlive([...pids, supervisor]);
});

test("the command of a worker that is frozen for too long is ended, and the thawed worker counts it as a failure", async () => {
  const worker = startWorker(SCRIPT, 500);
  const { pids } = await family();
  worker.kill("SIGSTOP");
  await noneAlive(pids);
  worker.kill("SIGCONT");
  expect(await worker.exited).toBe(0);
  expect(worker.stdout).toContain("worker stopped responding");
});

test("a command runs longer than the allowed silence while its worker responds", async () => {
  const worker = startWorker("sleep 1.5; echo done", 1000);
  expect(await worker.exited).toBe(0);
  expect(worker.stdout).toContain("completed");
});

test("other users cannot read the folder of the runs, and a readable folder is rejected", async () => {
  const job = await commands.runScript("true");
  expect(job.status).toBe("completed");
  expect((await stat(join(commands.root, "runs"))).mode & 0o777).toBe(RUNS_AS_OWN_USER ? 0o711 : 0o700);
  await Bun.$`chmod 755 ${join(commands.root, "runs")}`.quiet();
  const id = await commands.enqueue({ command: ["true"] });
  await until(async () =>
    (await commands.runner.get(id))?.lastError?.includes("others can neither read nor write"),
  );
  await Bun.$`chmod 700 ${join(commands.root, "runs")}`.quiet();
  expect((await commands.ended(id)).status).toBe("completed");
});
