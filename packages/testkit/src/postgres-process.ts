import { closeSync, constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type PostgresProcess = { url: string; stop(): Promise<void> };

// A grandchild, for `bun test` kills every child of its own when a test times out, and the server must outlast that.
const START_IN_BACKGROUND = 'exec 3<&0; "$0" "$@" <&3 3<&- &';

/** Starts the test Postgres under a process that ends it when we stop it, exit or are killed. */
export async function startPostgresProcess(): Promise<PostgresProcess> {
  const lifeline = await openPipe();
  const program = [process.execPath, join(import.meta.dir, "postgres-child.ts")];
  const child = Bun.spawn(["/bin/sh", "-c", START_IN_BACKGROUND, ...program], {
    cwd: import.meta.dir,
    detached: true,
    stdio: [lifeline.readEnd, "pipe", "inherit"],
  });
  child.unref();
  closeSync(lifeline.readEnd);
  const output = child.stdout.getReader();
  const url = await readLine(output);
  if (!url) throw new Error("The Postgres for the tests did not start: see the error above.");
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    closeSync(lifeline.writeEnd);
    while (!(await output.read()).done);
  };
  return {
    url,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** A pipe whose ends are plain descriptors: the kernel closes ours when we end, and nothing else does. */
async function openPipe(): Promise<{ readEnd: number; writeEnd: number }> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-lifeline-"));
  const path = join(folder, "pipe");
  try {
    Bun.spawnSync(["mkfifo", path]);
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { readEnd, writeEnd: openSync(path, constants.O_WRONLY) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function readLine(output: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> }) {
  let text = "";
  const decoder = new TextDecoder();
  while (!text.includes("\n")) {
    const { done, value } = await output.read();
    if (done) return undefined;
    text += decoder.decode(value, { stream: true });
  }
  return text.slice(0, text.indexOf("\n"));
}
