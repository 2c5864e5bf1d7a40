import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { readProcesses, withEnvironment } from "../process-table.ts";
import { isAlive, RUNS_AS_OWN_USER, useCommands } from "./setup.ts";

const MIB = 1024 ** 2;

const commands = useCommands();
const { runScript, pidsIn } = commands;

describe("a command that exceeds", () => {
  test("its time is ended, and the error names the limit", async () => {
    const job = await runScript("echo $$ > $OUT/pid; sleep 60", { timeout_ms: 300 });
    expect(job).toMatchObject({ status: "failed", failureKind: "unrecoverable", attempts: 1 });
    expect(job.lastError).toStartWith(
      "CommandLimitError: The command exceeded its time limit of 300 ms and was ended;",
    );
    expect((await pidsIn("pid")).map(isAlive)).toEqual([false]);
  });

  test("its time may still end well on SIGTERM, but counts as ended", async () => {
    const job = await runScript("trap 'echo bye >&2; exit 0' TERM; sleep 60 & wait", { timeout_ms: 300 });
    expect(job.lastError).toContain("time limit");
    expect(job.lastError).toEndWith("bye");
  });

  test("its time is killed with its children, when all of them ignore SIGTERM", async () => {
    const stubborn = "trap '' TERM HUP INT; echo $BASHPID >> $OUT/pids; while :; do sleep 0.05; done";
    const job = await runScript(`(${stubborn}) & (${stubborn}) & ${stubborn}`, { timeout_ms: 400 });
    expect(job.lastError).toContain("time limit");
    expect((await pidsIn("pids", 3)).map(isAlive)).toEqual([false, false, false]);
  });

  test("its time is killed when it has stopped itself", async () => {
    const job = await runScript("echo $$ > $OUT/pid; kill -STOP $$", { timeout_ms: 300 });
    expect(job.lastError).toContain("time limit");
    expect((await pidsIn("pid")).map(isAlive)).toEqual([false]);
  });

  test("its memory by one process is ended before it has had much more", async () => {
    const script = "x=$(head -c 4000000 /dev/zero | tr '\\0' a); while :; do kept+=$x; sleep 0.001; done";
    const job = await runScript(script, { memory_bytes: 200 * MIB, timeout_ms: 20_000 });
    expect(job.lastError).toStartWith(
      `CommandLimitError: The command exceeded its memory limit of ${200 * MIB} bytes and was ended;`,
    );
  });

  test("its memory by several processes together is ended, though none has too much by itself", async () => {
    const hold = "hold() { x=$(head -c 30000000 /dev/zero | tr '\\0' a); sleep 60; }";
    const job = await runScript(`${hold}; for i in 1 2 3 4 5 6; do hold & done; wait`, {
      memory_bytes: 100 * MIB,
      timeout_ms: 30_000,
    });
    expect(job.lastError).toContain("memory limit");
  });

  test("nothing when its processes share their memory: shared pages count once", async () => {
    const script =
      "x=$(head -c 40000000 /dev/zero | tr '\\0' a); for i in 1 2 3 4 5 6; do (sleep 0.5; :) & done; wait";
    const job = await runScript(script, { memory_bytes: 200 * MIB });
    expect(job.status).toBe("completed");
    expect(job.output.processes_peak).toBeGreaterThan(5);
    expect(job.output.memory_peak_bytes).toBeGreaterThan(30 * MIB);
  });

  test("its number of processes is ended with all of them, also when they multiply", async () => {
    const bomb =
      "b() { echo $BASHPID >> $OUT/pids; [ $1 -gt 0 ] && { b $(($1-1)) & b $(($1-1)) & }; sleep 60; }; b 6";
    const job = await runScript(bomb, { processes_max: 20 });
    expect(job.lastError).toStartWith(
      "CommandLimitError: The command exceeded its processes limit of 20 processes and was ended;",
    );
    // Some may have been ended before they wrote theirs.
    expect((await pidsIn("pids")).filter(isAlive)).toEqual([]);
  });

  test("its number of processes after its own exit fails as well", async () => {
    const job = await runScript(
      "for i in $(seq 20); do (echo $BASHPID >> $OUT/pids; sleep 60; :) & done; exit 0",
      {
        processes_max: 10,
      },
    );
    expect(job.lastError).toContain("processes limit of 10");
    // Some may have been ended before they wrote theirs.
    expect((await pidsIn("pids")).filter(isAlive)).toEqual([]);
  });

  test("its number of processes as a fork bomb is ended once, with all of them", async () => {
    // A limit of the test's own, should those of the engine fail.
    const others = RUNS_AS_OWN_USER ? 0 : readProcesses().reduce((sum, entry) => sum + entry.threads, 0);
    const bomb = `ulimit -u ${others + 200} || exit 0; echo 1 >> $OUT/ran; b() { b | b & }; b 2>/dev/null; sleep 60`;
    const job = await runScript(bomb, { processes_max: 20, timeout_ms: 20_000 });
    expect(job).toMatchObject({ status: "failed", attempts: 1 });
    expect(job.lastError).toContain("processes limit of 20");
    expect(await pidsIn("ran")).toEqual([1]);
    await until(() => withEnvironment(readProcesses(), `OUT=${commands.root}`).length === 0);
  });

  test("nothing with as many processes as it may have", async () => {
    const job = await runScript("for i in 1 2 3 4; do sleep 1 & done; wait", { processes_max: 5 });
    expect(job).toMatchObject({ status: "completed", output: { processes_peak: 5 } });
  });

  test("its output is ended, and no more than the limit was kept", async () => {
    const job = await runScript("yes 'on and on'", { output_bytes_max: MIB });
    expect(job.lastError).toStartWith(
      `CommandLimitError: The command exceeded its output limit of ${MIB} bytes and was ended;`,
    );
  });

  test("its output just before its end fails as well", async () => {
    const job = await runScript("head -c 1001 /dev/zero >&2", { output_bytes_max: 1000 });
    expect(job.lastError).toContain("output limit of 1000 bytes");
    expect((await runScript("head -c 1000 /dev/zero", { output_bytes_max: 1000 })).status).toBe("completed");
  });

  test("a limit is retried when its job allows it", async () => {
    const script = "[ -e $OUT/second ] || { touch $OUT/second; sleep 60; }";
    const job = await runScript(script, { timeout_ms: 500, retry: true });
    expect(job).toMatchObject({ status: "completed", attempts: 1 });
  });
});

describe("the kernel's own limits", () => {
  test("count the processes of the command's user, and hold for them", async () => {
    // Root's would not be counted, and the fork would succeed.
    const script = "id -u >&2; { ulimit -p 1 || ulimit -u 1; } 2>/dev/null; /bin/true; exit 3";
    const job = await commands.ended(await commands.enqueue({ command: ["sh", "-c", script] }));
    const [userId, refusal] = (job.lastError ?? "").split("ended with:\n")[1]?.split("\n") ?? [];
    expect([userId === "0", refusal]).toEqual([false, expect.stringContaining("fork")]);
  });

  test("are set in addition: no core file, limited processor time, file size, data and processes", async () => {
    const job = await runScript(
      "ulimit -c; ulimit -t; ulimit -f; ulimit -d; ulimit -u; cat /proc/self/oom_score_adj",
      {
        timeout_ms: 10_000,
        memory_bytes: 100 * MIB,
      },
    );
    const [core, cpu, file, data, processes, oom] = job.output.stdout.tail.split("\n");
    expect(core).toBe("0");
    expect(Number(cpu)).toBeGreaterThanOrEqual(20);
    expect(Number(file)).toBeGreaterThan(0);
    expect(Number(data)).toBe((100 * MIB + 2 * 1024 ** 3) / 1024);
    expect(Number(processes)).toBeGreaterThanOrEqual(RUNS_AS_OWN_USER ? 64 : 1024);
    expect(Number(processes)).toBeLessThan(32_768);
    expect(oom).toBe("1000");
  });
});
