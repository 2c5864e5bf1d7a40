import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { readProcess } from "../process-table.ts";
import { isAlive, useCommands } from "./setup.ts";

const commands = useCommands();
const { runScript, enqueueScript, pidsIn } = commands;

/** A child, one in a session of its own, and one that forks twice, forgets its environment and leaves. */
const FAMILY = `
  (trap '' TERM HUP; echo $BASHPID >> $OUT/pids; sleep 60; :) &
  setsid bash -c 'trap "" TERM; echo $$ >> $OUT/pids; sleep 60; :' &
  (setsid env -i OUT=$OUT bash -c '(echo $BASHPID >> $OUT/pids; trap "" TERM; sleep 60; :) & exit' &)
  `;
const MEMBERS = 3;

async function expectNoneAlive() {
  const pids = await pidsIn("pids", MEMBERS);
  await until(() => !pids.some(isAlive), { describe: () => `the end of ${pids.filter(isAlive)}` });
}

describe("all descendants of a command are ended", () => {
  test("when the command itself ends well", async () => {
    const job = await runScript(
      `${FAMILY} until [ "$(wc -l < $OUT/pids)" = ${MEMBERS} ]; do sleep 0.01; done`,
    );
    expect(job.status).toBe("completed");
    expect((await pidsIn("pids", MEMBERS)).map(isAlive)).toEqual([false, false, false]);
  });

  test("when it exceeds a limit", async () => {
    await runScript(`${FAMILY} sleep 60`, { timeout_ms: 1000 });
    expect((await pidsIn("pids", MEMBERS)).map(isAlive)).toEqual([false, false, false]);
  });

  test("when its job is cancelled", async () => {
    const id = await enqueueScript(`${FAMILY} sleep 60`);
    await pidsIn("pids", MEMBERS);
    expect(await commands.runner.cancel(id)).toBe(true);
    await expectNoneAlive();
    expect((await commands.ended(id)).failureKind).toBe("cancelled");
    await until(async () => (await commands.runFolders()).length === 0);
  });

  test("when the worker drains, which releases the job", async () => {
    const id = await enqueueScript(`${FAMILY} sleep 60`);
    const pids = await pidsIn("pids", MEMBERS);
    await commands.runner.drain(3000);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await commands.runner.get(id)).toMatchObject({ status: "queued", attempts: 0 });
    expect(await commands.runFolders()).toEqual([]);
  });

  for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
    test(`when its supervisor gets ${signal}, and it is not run again`, async () => {
      await commands.start({ workerSilenceMs: 2000 });
      const id = await enqueueScript(`echo 1 >> $OUT/ran; echo $PPID > $OUT/supervisor; ${FAMILY} sleep 60`, {
        timeout_ms: 1000,
      });
      await pidsIn("pids", MEMBERS);
      const [supervisor = 0] = await pidsIn("supervisor");
      process.kill(supervisor, signal);
      const job = await commands.ended(id);
      expect(job).toMatchObject({ status: "failed", failureKind: "unrecoverable", attempts: 1 });
      expect(job.lastError).toContain("command's supervisor was killed or suspended");
      await until(() => !isAlive(supervisor));
      expect(await pidsIn("ran")).toEqual([1]);
      expect(await commands.runFolders()).toEqual([]);
    });
  }

  test("when its supervisor is killed, and it runs again if its job allows retries", async () => {
    const script = `[ -e $OUT/second ] && exit 0; touch $OUT/second; echo $PPID > $OUT/supervisor; sleep 60`;
    const id = await enqueueScript(script, { retry: true });
    const [supervisor = 0] = await pidsIn("supervisor");
    process.kill(supervisor, "SIGKILL");
    const job = await commands.ended(id);
    expect(job).toMatchObject({ status: "completed", attempts: 1 });
    expect(job.lastError).toContain("command's supervisor was killed");
  });
});

test("orphans that have ended do not pile up as zombies", async () => {
  const id = await enqueueScript(
    `echo $PPID > $OUT/supervisor; for i in 1 2 3 4 5; do (sleep 0.01 & echo $! >> $OUT/pids); done; sleep 60`,
  );
  const pids = await pidsIn("pids", 5);
  await until(() => pids.every((pid) => readProcess(pid) === undefined));
  await commands.runner.cancel(id);
});
