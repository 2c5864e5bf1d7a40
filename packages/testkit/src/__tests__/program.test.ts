import { expect, test } from "bun:test";
import { spawnProgram } from "../program.ts";

const cwd = import.meta.dir;
const shell = (script: string, detached = false) =>
  spawnProgram({ command: ["/bin/sh", "-c", script], cwd, detached });

test("all output and the exit code are there when the program has ended", async () => {
  const program = shell("echo out; echo err >&2; exit 3");
  expect(await program.exited).toBe(3);
  expect({ out: program.stdout, err: program.stderr }).toEqual({ out: "out\n", err: "err\n" });
});

test("output is waited for, in both streams", async () => {
  const program = shell("echo port 4711 >&2; exec sleep 60");
  expect((await program.waitForOutput(/port (\d+)/))[1]).toBe("4711");
  program.kill("SIGKILL");
  expect(await program.exited).toBe(137);
});

test("a wait for output that does not come fails, with the output that did", async () => {
  const program = shell("echo something else; exec sleep 60");
  await program.waitForOutput(/else/);
  await expect(program.waitForOutput(/ready/, 50)).rejects.toThrow("something else");
  program.kill("SIGKILL");
  await program.exited;
});

test("a program that ends without the output fails the wait before its deadline", async () => {
  await expect(shell("echo broken >&2; exit 1").waitForOutput(/ready/)).rejects.toThrow(
    /ended without[\s\S]*broken/,
  );
});

test("a signal to the group reaches the program's own children", async () => {
  const program = shell("sleep 60 & echo started; wait", true);
  await program.waitForOutput(/started/);
  program.killGroup("SIGKILL");
  // The child holds the output: only its end lets this resolve.
  expect(await program.exited).toBe(137);
});

test("a signal to the group is refused for a program that shares ours", async () => {
  const program = shell("exec sleep 60");
  expect(() => program.killGroup("SIGKILL")).toThrow("detached");
  program.kill("SIGKILL");
  await program.exited;
});
