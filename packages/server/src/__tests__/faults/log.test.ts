import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { DRAIN_MAX_MS } from "../../boot.ts";
import { migratePhases } from "../../db/phases.ts";
import { ADMIN_KEY, environment, ROOT } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const MAIN = join(ROOT, "packages/server/src/main.ts");
const REQUESTS = 300;
const LINES_DROPPED = /^wharf_log_lines_dropped_total (\d+)$/m;

let undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.reverse()) step();
  undo = [];
});

/** A pipe with a name. The reader reads nothing by itself. */
function openPipe(): { reader: number; writer: number } {
  const dir = mkdtempSync(join(tmpdir(), "wharf-log-"));
  const path = join(dir, "stdout");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return { reader, writer };
}

function fill(writer: number): void {
  const page = new Uint8Array(4096);
  try {
    for (;;) writeSync(writer, page);
  } catch (error) {
    expect(error).toMatchObject({ code: "EAGAIN" });
  }
}

type Output = { stdout: number } | { terminal: Bun.Terminal };

/** The real server, whose output the test holds; resolves when it answers. */
async function start(output: Output) {
  const port = await freePort();
  const child = Bun.spawn([process.execPath, MAIN], {
    cwd: ROOT,
    env: environment({ DATABASE_URL: database.url, PORT: String(port), LOG_LEVEL: "trace" }),
    stdin: "ignore",
    stderr: "ignore",
    ...output,
  });
  undo.push(() => child.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  await until(() => answers(url));
  return { child, url };
}

async function answers(url: string): Promise<boolean> {
  return await fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** As many log lines as may be: sampled by route and status, so each with a request of its own. */
async function serves(url: string): Promise<void> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  for (let n = 0; n < REQUESTS; n++) {
    const response = await fetch(`${url}/api/sessions/session-${n}`, { headers });
    expect(response.status).toBe(404);
  }
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
}

async function linesDropped(url: string): Promise<number> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  return Number(LINES_DROPPED.exec(await response.text())?.[1]);
}

async function drains(child: { kill(signal: NodeJS.Signals): void; exited: Promise<number> }): Promise<void> {
  const startedAt = performance.now();
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(DRAIN_MAX_MS);
}

test("a server whose log is a full pipe that is not read answers, and SIGTERM drains it", async () => {
  const { reader, writer } = openPipe();
  fill(writer);
  const { child, url } = await start({ stdout: writer });
  await serves(url);
  await drains(child);
  closeSync(reader);
  closeSync(writer);
});

test("a server without a reader of its log answers, counts the lost lines, and SIGTERM drains it", async () => {
  const { reader, writer } = openPipe();
  const { child, url } = await start({ stdout: writer });
  closeSync(writer);
  closeSync(reader);
  await serves(url);
  expect(await linesDropped(url)).toBeGreaterThan(0);
  await drains(child);
});

test("a server with a closed terminal answers, counts the lost lines, and SIGTERM drains it", async () => {
  const terminal = new Bun.Terminal({ data: () => undefined });
  const { child, url } = await start({ terminal });
  terminal.close();
  await serves(url);
  expect(await linesDropped(url)).toBeGreaterThan(0);
  await drains(child);
});
