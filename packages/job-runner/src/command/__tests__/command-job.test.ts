import { describe, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { until } from "@wharf/testkit";
import { pino } from "pino";
import { JobSchemaError } from "../../index.ts";
import { RUNS_AS_OWN_USER, useCommands } from "./setup.ts";

const commands = useCommands();
const { store, runScript } = commands;

describe("a command job", () => {
  test("runs a program and keeps its output, its errors and its artifacts", async () => {
    const job = await runScript(
      `echo hello; echo "no worry" >&2; mkdir -p reports/deep; echo one > reports/a.txt; echo two > reports/deep/b.txt; echo no > c.log`,
      { artifacts: ["reports/**/*.txt"] },
    );
    expect(job).toMatchObject({
      status: "completed",
      output: { stdout: { tail: "hello", size: 6 }, stderr: { tail: "no worry" } },
    });
    expect(store.text(job.output.stdout.hash)).toBe("hello\n");
    expect(job.output.artifacts.map(({ path }: { path: string }) => path)).toEqual([
      "reports/a.txt",
      "reports/deep/b.txt",
    ]);
    expect(store.text(job.output.artifacts[1].hash)).toBe("two\n");
    expect(job.output.processes_peak).toBeGreaterThanOrEqual(0);
  });

  test("passes arguments unchanged, without a shell", async () => {
    const job = await commands.ended(
      await commands.enqueue({ command: ["printf", "%s|", "$HOME", "a b", "", "'; exit 7", "é"] }),
    );
    expect(job.output.stdout.tail).toBe("$HOME|a b||'; exit 7|é|");
  });

  test("has a clean environment: the named variables, and none of ours, also not from the parent process", async () => {
    process.env["CANARY_SECRET"] = "canary-value";
    const job = await runScript(`env; echo "--"; cat /proc/$PPID/environ 2>/dev/null | tr '\\0' '\\n'`, {
      env: { GIVEN: "yes" },
    });
    delete process.env["CANARY_SECRET"];
    const [own, parents] = job.output.stdout.tail.split("--");
    const names = own
      .trim()
      .split("\n")
      .map((line: string) => line.split("=")[0]);
    // PWD, OLDPWD, SHLVL and _ are the shell's.
    const known = [
      "PATH",
      "HOME",
      "LANG",
      "TMPDIR",
      "GIVEN",
      "OUT",
      "WHARF_COMMAND_RUN",
      "PWD",
      "OLDPWD",
      "SHLVL",
      "_",
    ];
    expect(names.filter((name: string) => !known.includes(name))).toEqual([]);
    expect(own).toContain("GIVEN=yes");
    expect(parents).not.toContain("canary");
    expect(parents).not.toContain("PATH=");
  });

  test("runs in an empty folder of its own that only its user can enter, with HOME and TMPDIR in it", async () => {
    const job = await runScript(
      `pwd; ls -A | wc -l; stat -c %a . ..; echo $HOME; echo x > $TMPDIR/x; echo $TMPDIR`,
    );
    const [folder, files, mode, parentMode, home, temp] = job.output.stdout.tail.split("\n");
    expect(folder).toStartWith(commands.root);
    expect([files.trim(), mode, parentMode, home]).toEqual([
      "0",
      "700",
      RUNS_AS_OWN_USER ? "711" : "700",
      folder,
    ]);
    expect(temp).toBe(folder.replace(/work$/, "temp"));
    await expect(stat(folder)).rejects.toMatchObject({ code: "ENOENT" });
    expect(await commands.runFolders()).toEqual([]);
  });

  test("removes the workspace even if the command removed its permissions", async () => {
    const job = await runScript("mkdir -p a/b; touch a/b/c; chmod 500 a/b; chmod 0 a");
    expect(job.status).toBe("completed");
    expect(await commands.runFolders()).toEqual([]);
  });

  test("gives what was sent as stdin, and an end of file when nothing was", async () => {
    expect((await runScript("cat; wc -c < /dev/stdin", { stdin: "héllo" })).output.stdout.tail).toBe(
      "héllo6",
    );
    expect((await runScript("cat; echo end")).output.stdout.tail).toBe("end");
  });

  test("has pipes that a program can open by name", async () => {
    const job = await runScript("echo out > /dev/stdout; echo err > /dev/stderr; echo more");
    expect(job.output.stdout.tail).toBe("out\nmore");
    expect(job.output.stderr.tail).toBe("err");
  });

  test("keeps all of a large output, and its end as text", async () => {
    const job = await runScript("seq 1 200000");
    const whole = store.text(job.output.stdout.hash);
    expect(whole.split("\n")).toHaveLength(200_001);
    expect(job.output.stdout.tail).toEndWith("199999\n200000");
    expect(job.output.stdout.tail.length).toBeLessThanOrEqual(2000);
  });

  test("waits a moment for what a pipeline still has to write", async () => {
    const job = await runScript("exec > >(sleep 0.05; cat); echo late");
    expect(job.output.stdout.tail).toBe("late");
  });
});

describe("a command that replaces its own output files", () => {
  for (const replacement of ["mkfifo ../stdout", "ln -s /etc/passwd ../stdout", "mkdir ../stdout"]) {
    test(`by ${replacement} still ends, and its output is what it wrote`, async () => {
      const job = await runScript(`echo before; rm -f ../stdout; ${replacement}; echo after`, {
        timeout_ms: 5000,
      });
      expect([job.status, job.output?.stdout.tail]).toEqual(["completed", "before\nafter"]);
    });
  }
});

describe("a command whose output the store rejects", () => {
  test("is not run again, and fails with the reason", async () => {
    const put = () =>
      Promise.reject(Object.assign(new Error("no space in /secret/path"), { code: "ENOSPC" }));
    await commands.start({ store: { put } });
    const job = await runScript("echo 1 >> $OUT/ran");
    expect(job).toMatchObject({ status: "failed", failureKind: "unrecoverable", attempts: 1 });
    expect(job.lastError).toContain("its output could not be stored (ENOSPC)");
    expect(await commands.pidsIn("ran")).toEqual([1]);
  });
});

test("a machine whose kernel does not limit processes rejects commands, unless they are allowed", async () => {
  const findProcessLimit = () => null;
  await commands.start({ findProcessLimit });
  const refused = await runScript("true");
  expect(refused).toMatchObject({ status: "failed", failureKind: "unrecoverable" });
  expect(refused.lastError).toContain("cannot limit a command's processes");
  await commands.start({ findProcessLimit, allowUnbounded: true });
  expect((await runScript("true")).status).toBe("completed");
});

describe("a command that fails", () => {
  test("goes to the dead letters at once, with its exit code and the end of its stderr", async () => {
    const job = await runScript("seq 1 5000 >&2; echo 'the reason' >&2; exit 3");
    expect(job).toMatchObject({ status: "failed", failureKind: "unrecoverable", attempts: 1 });
    expect(job.lastError).toStartWith(
      "CommandExitError: The command ended with exit code 3. Its stderr ended with:\n",
    );
    expect(job.lastError).toEndWith("5000\nthe reason");
    expect(job.lastError).not.toContain("\n100\n");
  });

  test("has its output in the job, and not in the logs of the process", async () => {
    const written: string[] = [];
    await commands.start({}, pino({ level: "trace" }, { write: (line: string) => void written.push(line) }));
    const job = await runScript("echo canary-word >&2; exit 3");
    expect(job.lastError).toContain("canary-word");
    expect(written.join("")).toContain("The command ended with exit code 3.");
    expect(written.join("")).not.toContain("canary-word");
  });

  test("is retried when its job allows it", async () => {
    const job = await runScript('umask 0; echo x >> $OUT/tries; [ "$(wc -l < $OUT/tries)" -ge 3 ]', {
      retry: true,
    });
    expect(job).toMatchObject({ status: "completed", attempts: 2 });
  });

  test("names the signal that ended it", async () => {
    expect((await runScript("kill -SEGV $$")).lastError).toContain("signal SIGSEGV");
  });

  test("is a program that does not exist: exit code 127 with its name", async () => {
    const job = await commands.ended(await commands.enqueue({ command: ["no-such-program"] }));
    expect(job.lastError).toContain("exit code 127");
    expect(job.lastError).toContain("no-such-program");
  });
});

describe("a command's log", () => {
  const linesOf = async (id: string) => await commands.runner.log(id, { limit: 1000 });

  test("has its lines while it runs, and each once", async () => {
    const id = await commands.enqueueScript(
      "echo first; echo oops >&2; until [ -e $OUT/go ]; do sleep 0.01; done; printf last",
    );
    await until(async () => (await linesOf(id)).length === 2, { describe: "two lines of a running command" });
    await Bun.write(join(commands.root, "go"), "");
    await commands.ended(id);
    const lines = (await linesOf(id)).map(({ message, fields }) => [message, fields]);
    expect(lines).toContainEqual(["oops", { stream: "stderr" }]);
    expect(lines.filter(([message]) => message !== "oops")).toEqual([
      ["first", { stream: "stdout" }],
      ["last", { stream: "stdout" }],
    ]);
  });

  test("has those of one that fails, and no more than a part of one that writes very many", async () => {
    const failed = await runScript("echo 'what it did'; exit 1");
    expect((await linesOf(failed.id)).map(({ message }) => message)).toEqual(["what it did"]);
    const long = await runScript("seq 1 5000; head -c 5000 /dev/zero | tr '\\0' x >&2");
    const lines = await linesOf(long.id);
    expect(lines.filter(({ fields }) => fields?.["stream"] === "stdout")).toHaveLength(500);
    expect(lines.find(({ fields }) => fields?.["stream"] === "stderr")?.message).toBe("x".repeat(2000));
  });
});

describe("input", () => {
  const wrong: Record<string, unknown> = {
    "no command": { command: [] },
    "a NUL in an argument": { command: ["echo", "a\0b"] },
    "an argument that the kernel would not take": { command: ["echo", "x".repeat(100_001)] },
    "too much in all": { command: Array.from({ length: 20 }, () => "x".repeat(60_000)) },
    "a name that is none": { command: ["true"], env: { "A=B": "c" } },
    "a pattern that leaves the workspace": { command: ["true"], artifacts: ["../*"] },
    "an absolute pattern": { command: ["true"], artifacts: ["/etc/*"] },
    "more time than is allowed": { command: ["true"], timeout_ms: 1e12 },
    "more memory than is allowed": { command: ["true"], memory_bytes: 1e15 },
    "a field that is unknown": { command: ["true"], cwd: "/" },
  };
  for (const [what, input] of Object.entries(wrong)) {
    test(`with ${what} is refused at the enqueue`, async () => {
      await expect(commands.enqueue(input as never)).rejects.toBeInstanceOf(JobSchemaError);
    });
  }
});
