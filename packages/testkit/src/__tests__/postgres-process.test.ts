import { expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { join } from "node:path";
import { type Program, spawnProgram } from "../program.ts";
import { TEST_TIMEOUT_MS } from "../timeout.ts";
import { until } from "../until.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const SOURCE = join(import.meta.dir, "..");

/** Starts a server as `bun test` does, then runs `rest`. */
function startServer(rest: string): Program {
  const script = `
    const { startPostgresProcess } = await import("./postgres-process.ts");
    const server = await startPostgresProcess();
    console.log("port " + new URL(server.url).port);
    ${rest}`;
  return spawnProgram({ command: [process.execPath, "-e", script], cwd: SOURCE, detached: true });
}

async function portOf(program: Program): Promise<number> {
  const [, port] = await program.waitForOutput(/port (\d+)/);
  return Number(port);
}

function isOpen(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}

test("the server ends when it is stopped, which may be done twice", async () => {
  const program = startServer("await Promise.all([server.stop(), server.stop()]); console.log('stopped');");
  const port = await portOf(program);
  expect(await program.exited).toBe(0);
  expect(program.stdout).toContain("stopped");
  expect(await isOpen(port)).toBe(false);
});

test("a program that just ends is not held up by its server, which ends too", async () => {
  const program = startServer("");
  const port = await portOf(program);
  expect(await program.exited).toBe(0);
  await until(async () => !(await isOpen(port)));
});

test.each(["SIGKILL", "SIGINT"] as const)(
  "%s to the program and its group leaves no server",
  async (signal) => {
    const program = startServer("console.log('up'); setInterval(() => {}, 60_000);");
    const port = await portOf(program);
    await program.waitForOutput(/up/);
    expect(await isOpen(port)).toBe(true);
    program.killGroup(signal);
    await program.exited;
    await until(async () => !(await isOpen(port)));
  },
);
