import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createJobRunner, type JobDefinition, type JobRunner } from "@wharf/job-runner";
import { clearRows, until, useTestDatabase } from "@wharf/testkit";
import { z } from "zod";
import { ADMIN_KEY, type ServerProgram, startServerProgram } from "../../__tests__/server-program.ts";
import type { BlobStore } from "../../blobs/blob-store.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { type Database, openDatabase } from "../../db/database.ts";
import { migratePhases } from "../../db/phases.ts";
import { createLogger } from "../../logger.ts";
import { createCommandJobs } from "../command-job.ts";

const outputSchema = z.object({
  stdout: z.object({ hash: z.string() }),
  artifacts: z.array(z.object({ path: z.string(), hash: z.string() })),
});

const database = useTestDatabase({ migrate: migratePhases });
let pool: Database;
let blobs: BlobStore;
let folder: string;
let enqueuer: JobRunner;
let job: JobDefinition;

beforeAll(async () => {
  pool = openDatabase(database.url, { deadlineMs: 10_000, max: 2 });
  blobs = createPostgresBlobStore(pool);
  folder = await mkdtemp(join(tmpdir(), "wharf-command-job-"));
  // As root, commands run as users of their own, and leave word here.
  await chmod(folder, 0o777);
  const commandJobs = { folder: join(folder, "runs"), path: "", allowUnbounded: false };
  const [defined] = await createCommandJobs({ commandJobs, role: "server" }, blobs);
  if (defined === undefined) throw new Error("The command job is not defined.");
  job = defined;
  const logger = createLogger("silent", false);
  enqueuer = createJobRunner({ sql: database.sql, jobs: [job], workers: false, logger });
});
afterEach(() => clearRows(database.sql));
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

const startServer = (variables: Record<string, string> = {}): Promise<ServerProgram> =>
  startServerProgram(database.url, {
    WHARF_COMMAND_JOBS: "1",
    WHARF_COMMAND_DIR: join(folder, "runs"),
    ...variables,
  });

async function enqueueScript(script: string, input: Record<string, unknown> = {}): Promise<string> {
  const env = { OUT: folder };
  return (await enqueuer.enqueue(job, { command: ["bash", "-c", script], env, ...input })).id;
}

const statusOf = async (id: string) => (await enqueuer.get(id))?.status;

async function pidIn(name: string): Promise<number> {
  const file = join(folder, name);
  return Number(await until(async () => existsSync(file) && (await readFile(file, "utf8")).trim()));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a server told to runs commands, keeps what they leave as blobs, and gives them none of its secrets", async () => {
  await using server = await startServer();
  await server.url();
  const id = await enqueueScript("env; echo kept > report.txt", { artifacts: ["*.txt"] });
  await until(async () => (await statusOf(id)) === "completed", {
    describe: async () => JSON.stringify(await enqueuer.get(id)),
  });
  const output = outputSchema.parse((await enqueuer.get(id))?.output);
  const text = await readBlob(output.stdout.hash);
  expect(text).toContain("HOME=");
  expect(text).not.toContain("DATABASE_URL");
  expect(text).not.toContain(ADMIN_KEY);
  expect(output.artifacts.map(({ path }) => path)).toEqual(["report.txt"]);
  expect(await readBlob(output.artifacts[0]?.hash ?? "")).toBe("kept\n");
});

test("a server that is not told to leaves them in the queue", async () => {
  await using server = await startServer({ WHARF_COMMAND_JOBS: "0" });
  await server.url();
  const id = await enqueueScript("true");
  await database.sql`INSERT INTO jobs (queue, type, payload) VALUES ('recurring', 'prune', '{"due_ms": 0}')`;
  const others = () => database.sql`SELECT FROM jobs_archive WHERE type = 'prune'`;
  await until(async () => (await others()).length > 0, { describe: "a job that came later to be done" });
  expect(await statusOf(id)).toBe("queued");
});

test("SIGTERM ends a running command, gives its job back and lets the server go in time", async () => {
  await using server = await startServer();
  await server.url();
  const id = await enqueueScript("trap '' TERM; echo $$ > $OUT/drained; while :; do sleep 0.1; done");
  const pid = await pidIn("drained");
  const startedMs = performance.now();
  server.program.kill("SIGTERM");
  expect(await server.program.exited).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  expect(isAlive(pid)).toBe(false);
  expect(await enqueuer.get(id)).toMatchObject({ status: "queued", attempts: 0 });
});

test("kill -9 of the server ends the command, and the next server runs it again once the lease is over", async () => {
  const script = "echo $$ > $OUT/killed.new; mv $OUT/killed.new $OUT/killed; [ -e $OUT/again ] || sleep 60";
  let id: string;
  {
    await using server = await startServer();
    await server.url();
    id = await enqueueScript(script);
    const pid = await pidIn("killed");
    server.program.kill("SIGKILL");
    await until(() => !isAlive(pid));
  }
  await Bun.write(join(folder, "again"), "");
  // As if the lease had ended, which takes half a minute.
  await database.sql`UPDATE jobs SET locked_at = now() - interval '1 hour' WHERE id = ${id}`;
  await using next = await startServer();
  await next.url();
  await until(async () => (await statusOf(id)) === "completed");
  expect(await enqueuer.get(id)).toMatchObject({ recoveries: 1 });
});

async function readBlob(hash: string): Promise<string> {
  return await new Response(await blobs.get(hash)).text();
}
