import { afterEach, beforeEach, setDefaultTimeout } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import { pino } from "pino";
import { createJobRunner, defineCommandJob, type JobRecord, type JobRunner } from "../../index.ts";
import { createMemoryDriver } from "../../stores/memory/memory.ts";
import type { ArtifactStore } from "../artifacts.ts";
import type { CommandJobOptions } from "../define-command-job.ts";
import { findProcessLimit } from "../process-limit.ts";
import { readProcess } from "../process-table.ts";

export const PATH = "/usr/local/bin:/usr/bin:/bin";

export type Input = Parameters<ReturnType<typeof defineCommandJob>["toNewJob"]>[0];

// biome-ignore lint/suspicious/noExplicitAny: a test reads fields of an output and compares them.
type Ended = JobRecord & { output: any };

/** A runner with the command job, a folder for its runs and one (`outside`) where commands may leave word. */
export function useCommands() {
  let root = "";
  let runner: JobRunner;
  let job: ReturnType<typeof defineCommandJob>;
  const store = createTestStore();
  setDefaultTimeout(TEST_TIMEOUT_MS);

  beforeEach(async () => {
    root = await sharedFolder("wharf-command-test-");
    await start();
  });
  afterEach(async () => {
    await runner.drain(2000);
    await rm(root, { recursive: true, force: true });
  });

  async function start(options: Partial<CommandJobOptions> = {}, logger = pino({ level: "silent" })) {
    job = defineCommandJob({ folder: join(root, "runs"), store, path: PATH, ...options });
    runner = createJobRunner({
      driver: createMemoryDriver(),
      jobs: [job],
      logger,
    });
    await runner.start();
  }

  const enqueue = async (input: Input) => (await runner.enqueue(job, input)).id;

  async function ended(id: string): Promise<Ended> {
    const isOver = async () => {
      const found = await runner.get(id);
      return found?.status === "completed" || found?.status === "failed" ? found : undefined;
    };
    return await until(isOver, {
      deadlineMs: 30_000,
      describe: async () => JSON.stringify(await runner.get(id)),
    });
  }

  /** Runs a script of bash to the end of its job. `$OUT` is the folder outside. */
  const runScript = async (script: string, input: Partial<Input> = {}) =>
    ended(await enqueueScript(script, input));

  const enqueueScript = (script: string, input: Partial<Input> = {}) =>
    enqueue({ command: ["bash", "-c", script], ...input, env: { OUT: root, ...input.env } });

  /** The pids that the command wrote into a file outside, one a line, once there are so many. */
  async function pidsIn(file: string, count = 1): Promise<number[]> {
    const read = async () => {
      const text = existsSync(join(root, file)) ? await readFile(join(root, file), "utf8") : "";
      const pids = text.split("\n").filter(Boolean).map(Number);
      return pids.length >= count && text.endsWith("\n") ? pids : undefined;
    };
    return await until(read, { describe: `${count} pids in ${file}` });
  }

  /** What the job logged, a line each. */
  const logged = async (id: string) => (await runner.log(id, { limit: 100 })).map(({ message }) => message);

  const runFolders = () => readdir(join(root, "runs")).catch(() => []);

  return {
    store,
    enqueue,
    enqueueScript,
    ended,
    runScript,
    pidsIn,
    logged,
    runFolders,
    start,
    get root() {
      return root;
    },
    get runner() {
      return runner;
    },
  };
}

/** Commands of root's workers run as users of their own: such users cannot signal a supervisor. */
export const RUNS_AS_OWN_USER = findProcessLimit() === "own-user";

/** A temporary folder in which commands may write, also as users of their own. */
export async function sharedFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  await chmod(folder, 0o777);
  return folder;
}

export function isAlive(pid: number): boolean {
  return readProcess(pid)?.isZombie === false;
}

/** What was put, by its hash. */
export function createTestStore(): ArtifactStore & { text(hash: string): string; readonly size: number } {
  const contents = new Map<string, Uint8Array>();
  return {
    async put(content) {
      const bytes = new Uint8Array(await new Response(content).arrayBuffer());
      const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
      contents.set(hash, bytes);
      return { hash, size: bytes.length };
    },
    text: (hash) => new TextDecoder().decode(contents.get(hash)),
    get size() {
      return contents.size;
    },
  };
}
