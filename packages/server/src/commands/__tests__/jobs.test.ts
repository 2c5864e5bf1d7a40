import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { stripVTControlCharacters } from "node:util";
import { createJobRunner, defineJob, type JobRunner } from "@wharf/job-runner";
import { clearRows, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { z } from "zod";
import { createEmptyDatabase } from "../../db/__tests__/empty-database.ts";
import { migratePhases } from "../../db/phases.ts";
import { actions } from "../jobs/actions.ts";
import type { Options } from "../jobs/arguments.ts";
import { createOutput } from "../jobs/output.ts";
import { runCommand } from "./command.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const AWAY_URL = "postgres://wharf:canary-password@127.0.0.1:1/wharf";
const DUE = '{"due_ms": 1764000000000}';

beforeEach(() => clearRows(database.sql));

const jobs = (...words: string[]) => runCommand(database.url, "jobs", ...words);
const answerOf = async (...words: string[]) => JSON.parse((await jobs(...words, "--json")).stdout);

async function enqueued(...words: string[]): Promise<string> {
  return (await answerOf("enqueue", "prune", "--input", DUE, ...words)).job.id;
}

/** A job that is queued again after the death of its worker. */
async function buried(type = "prune"): Promise<string> {
  const [row] = await database.sql<{ id: string }[]>`
    INSERT INTO jobs (queue, type, payload, status, attempts, last_error, failed_at, failure_kind, dlq_reason, dlq_failed_at)
    VALUES ('recurring', ${type}, '{"due_ms": 0}', 'failed', 3, E'Error: \\x1b[31mno\\tgood', now(), 'unrecoverable', 'no good', now())
    RETURNING id`;
  return row?.id ?? "";
}

const statusOf = async (id: string) =>
  (await database.sql<{ status: string }[]>`SELECT status FROM all_jobs WHERE id = ${id}`)[0]?.status;

/** What a command writes to a terminal, without its colours. */
async function onTerminal(runner: JobRunner, name: string, words: Options): Promise<string> {
  const written: string[] = [];
  const terminal = { write: (text: string) => written.push(text), isTTY: true };
  await actions.get(name)?.read([], words)(runner, createOutput(terminal, false));
  return stripVTControlCharacters(written.join(""));
}

describe("bun run jobs", () => {
  test("explains itself, and exits 2 when it was not asked to", async () => {
    const help = await runCommand(AWAY_URL, "jobs", "--help");
    expect(help).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/^Usage: bun run jobs/),
    });
    expect(await runCommand(AWAY_URL, "jobs")).toEqual({ code: 2, stdout: "", stderr: help.stdout });
  });

  for (const [words, reason] of [
    [["nonsense"], 'Unknown command "jobs nonsense"'],
    [["list", "--nonsense"], "--nonsense"],
    [["list", "--status", "lost"], "--status: "],
    [["list", "--limit", "0"], "--limit: "],
    [["list", "7"], 'Unexpected argument "7"'],
    [["show", "seven"], '"seven" is not a job ID'],
    [["retry"], "No jobs selected"],
    [["cancel", "--reason", "why not"], "No jobs selected"],
    [["enqueue", "prune", "--input", "{"], "--input: must be JSON"],
    [["enqueue", "prune", "--priority", "high"], "--priority: "],
    [["pause"], "Exactly one queue"],
    [["pause", " "], "Exactly one queue"],
    [["enqueue", "prune", "--queue", "mine"], '"jobs enqueue" has no option --queue'],
    [["enqueue", "prune", "--run-at", "2026-01-01T00:00:00Z", "--delay-ms", "5"], "cannot be combined"],
  ] as const) {
    test(`refuses "${words.join(" ")}" before it opens the database`, async () => {
      const { code, stdout, stderr } = await runCommand(AWAY_URL, "jobs", ...words);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(reason);
    });
  }

  test("says in one line that the database is unavailable, or not migrated", async () => {
    const away = await runCommand(AWAY_URL, "jobs", "list");
    expect({ code: away.code, stdout: away.stdout }).toEqual({ code: 1, stdout: "" });
    expect(away.stderr).toContain("is Postgres running");
    expect(away.stderr).not.toContain("canary");
    await using empty = await createEmptyDatabase();
    const unmigrated = await runCommand(empty.url, "jobs", "queues");
    expect(unmigrated).toMatchObject({ code: 1, stderr: expect.stringContaining('run "bun run migrate"') });
  });
});

describe("jobs that are shown", () => {
  test("come as lines with tabs in a pipe, newest first, without what would act on a terminal", async () => {
    const scheduled = await enqueued("--delay-ms", "3600000");
    const dead = await buried();
    const { code, stdout, stderr } = await jobs("list");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split("\t").slice(0, 5))).toEqual([
      [dead, "dead", "recurring", "prune", "3/25"],
      [scheduled, "scheduled", "recurring", "prune", "0/3"],
    ]);
    const dlq = await jobs("dlq");
    expect(dlq.stdout.split("\t").slice(0, 2)).toEqual([dead, "dead"]);
    expect(dlq.stdout.trimEnd().split("\n")).toHaveLength(1);
    expect((await jobs("show", dead)).stdout).not.toContain("\u001b");
  });

  test("come as a table with column names on a terminal", async () => {
    const id = await enqueued("--delay-ms", "3600000");
    const runner = createJobRunner({ sql: database.sql, workerMode: "inspect" });
    const [head = "", line = ""] = (await onTerminal(runner, "list", {})).split("\n");
    expect(head.trimEnd().split(/ +/)).toEqual([
      "ID",
      "STATE",
      "QUEUE",
      "TYPE",
      "ATTEMPTS/MAX",
      "CREATED",
      "DETAIL",
    ]);
    expect(line.split(/ +/).slice(0, 5)).toEqual([id, "scheduled", "recurring", "prune", "0/3"]);
    expect(line.indexOf("0/3")).toBe(head.indexOf("ATTEMPTS/MAX"));
    const columns = head.trim().toLowerCase().split(/ +/).join(", ");
    expect((await jobs("--help")).stdout).toContain(`separated by tabs: ${columns}\n`);
    await runner.drain();
  });

  test("come as the API's JSON, page by page", async () => {
    const ids = [await buried(), await buried(), await buried()].reverse();
    const first = await answerOf("list", "--limit", "2", "--status", "failed", "--type", "prune");
    expect(first).toMatchObject({ jobs: [{ id: ids[0], state: "dead" }, { id: ids[1] }], has_more: true });
    const rest = await answerOf("list", "--cursor", first.next_cursor);
    expect(rest).toMatchObject({ jobs: [{ id: ids[2] }], has_more: false, next_cursor: null });
    expect(rest.jobs[0]).not.toHaveProperty("payload");
  });

  test("are told to be none on a terminal, and are none in a pipe", async () => {
    const runner = createJobRunner({ sql: database.sql, workerMode: "inspect" });
    const told = (name: string, words: Options) => onTerminal(runner, name, words);
    expect(await told("list", {})).toBe("There are no jobs.\n");
    expect(await told("list", { type: "prune", status: "dead" })).toBe("No matching jobs.\n");
    expect(await told("list", { cursor: "7" })).toBe("No matching jobs.\n");
    expect(await told("dlq", {})).toBe("There are no dead letters.\n");
    expect(await told("queues", {})).toBe("There are no queues.\n");
    expect(await jobs("list")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await answerOf("list")).toEqual({ jobs: [], next_cursor: null, has_more: false });
    await runner.drain();
  });

  test("one by one come with payload, steps and log; an unknown one exits 1", async () => {
    const id = await buried();
    await database.sql`
      INSERT INTO job_logs (job_id, line, logged_at, level, message) VALUES (${id}, 1, now(), 'info', 'half way')`;
    await database.sql`
      INSERT INTO job_attempts (job_id, lease_generation, attempt, started_at, ended_at, worker_id, outcome, error)
      VALUES (${id}, 1, 3, now(), now(), 'w1', 'failed', 'Error: no luck')`;
    const shown = await jobs("show", id);
    expect(shown.stdout).toMatch(/^attempt 3 failed by w1 \S+Z to \S+Z: Error: no luck$/m);
    expect(shown.stdout).toContain("state: dead\n");
    expect(shown.stdout).toContain('payload: {"due_ms":0}\n');
    expect(shown.stdout).toContain("info half way\n");
    expect(await answerOf("show", id)).toMatchObject({
      job: { payload: { due_ms: 0 }, steps: [], attempt_history: [{ attempt: 3, outcome: "failed" }] },
    });
    expect(await jobs("show", "4000000")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Job 4000000 does not exist"),
    });
  });
});

describe("jobs that are changed", () => {
  test("are enqueued once under a key, with their input checked", async () => {
    const words = ["enqueue", "prune", "--input", DUE, "--idempotency-key", "once", "--priority=-4"];
    const { job, existed } = await answerOf(...words);
    expect({ existed, ...job }).toMatchObject({
      existed: false,
      state: "ready",
      priority: -4,
      idempotency_key: "once",
    });
    expect(await answerOf(...words)).toMatchObject({ existed: true, job: { id: job.id } });
    const wrong = await jobs("enqueue", "prune", "--input", '{"due_ms": "soon"}');
    expect({ code: wrong.code, stdout: wrong.stdout }).toEqual({ code: 1, stdout: "" });
    expect(wrong.stderr).toContain("/due_ms: ");
    expect(wrong.stderr).not.toContain("soon");
    const unknown = await jobs("enqueue", "nothing");
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Known types: apply-retention, compact-transcripts"),
    });
  });

  test("are retried by number and by filter, and nothing else is", async () => {
    const [first, second, other] = [await buried(), await buried(), await buried("repair-ingest")];
    expect(await jobs("retry", first)).toMatchObject({ code: 0, stdout: "1 retried\n" });
    const again = await jobs("retry", first);
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is ready: only a dead or cancelled job"),
    });
    expect(await answerOf("retry", "--type", "prune", "--status", "dead")).toEqual({ retried: 1 });
    expect([await statusOf(second), await statusOf(other)]).toEqual(["queued", "failed"]);
  });

  test("are cancelled by number and by filter; a cancelled one can be retried by its number", async () => {
    const id = await enqueued();
    const later = await enqueued("--delay-ms", "3600000");
    expect(await jobs("cancel", id, "--reason", "not today")).toMatchObject({
      code: 0,
      stdout: "1 cancelled\n",
    });
    const [row] = await database.sql`SELECT failure_kind, last_error FROM jobs WHERE id = ${id}`;
    expect(row).toEqual({ failure_kind: "cancelled", last_error: "not today" });
    expect((await jobs("cancel", id)).code).toBe(1);
    expect(await answerOf("cancel", "--status", "scheduled")).toEqual({ cancelled: 1 });
    expect(await statusOf(later)).toBe("failed");
    expect(await answerOf("retry", "--type", "prune")).toEqual({ retried: 0 });
    expect((await jobs("retry", id)).code).toBe(0);
    expect(await statusOf(id)).toBe("queued");
    // What live readers are told; without ids where a filter was given.
    const told = await database.sql`SELECT ids FROM change_log WHERE kind = 'job' ORDER BY position`;
    expect(told.map(({ ids }) => ids)).toEqual([[id], [later], [id], [], [id]]);
  });
});

test("a recurring job needs no input", async () => {
  const { job } = await answerOf("enqueue", "prune");
  expect(job).toMatchObject({ type: "prune", state: "ready" });
  expect((await jobs("run", job.id)).code).toBe(0);
});

describe("queues", () => {
  test("are shown, paused and resumed, and running workers follow", async () => {
    await enqueued();
    expect((await jobs("queues")).stdout).toMatch(/^recurring\t1\t0\t0\t0\t0\t/m);
    expect((await jobs("pause", "hello", "--reason", "provider is down")).stdout).toBe(
      "Queue hello paused. No job has used this queue yet.\n",
    );
    expect((await jobs("pause", "recurring")).stdout).toBe("Queue recurring paused.\n");
    await jobs("resume", "recurring");
    const hello = defineJob({ name: "hello", queue: "hello", input: z.null(), run: () => "world" });
    const worker = createJobRunner({ sql: database.sql, jobs: [hello], maxBackoffMs: 50 });
    await worker.start();
    const { id } = await worker.enqueue(hello, null);
    const { queues } = await answerOf("queues");
    const queue = queues.find(({ name }: { name: string }) => name === "hello");
    expect(queue).toMatchObject({ name: "hello", ready: 1, pause_reason: "provider is down", capped: [] });
    expect((await jobs("pause", "hello")).stdout).toBe("Queue hello was already paused.\n");
    expect(await statusOf(id)).toBe("queued");
    expect((await jobs("resume", "hello")).stdout).toBe("Queue hello resumed.\n");
    await until(async () => (await statusOf(id)) === "completed");
    await worker.drain(1000);
  });
});

describe("a job that is run by hand", () => {
  test("is the named one, also before its time", async () => {
    const id = await enqueued("--delay-ms", "3600000");
    const { code, stdout } = await jobs("run", id);
    expect({ code, line: stdout.split("\t").slice(0, 2) }).toEqual({ code: 0, line: [id, "completed"] });
  });

  test("is the next ready one of a type, or a new one; without any it is an error", async () => {
    const none = await jobs("run", "end-idle-sessions");
    expect(none).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("No job of type end-idle-sessions is ready"),
    });
    const id = await enqueued();
    expect((await answerOf("run", "prune")).job).toMatchObject({ id, state: "completed" });
    const { job } = await answerOf("run", "prune", "--input", DUE);
    expect(job).toMatchObject({ state: "completed", lease_generation: 1 });
    expect(job.id).not.toBe(id);
  });

  test("exits 1 with the reason when it cannot be run, or fails", async () => {
    const dead = await buried();
    expect(await jobs("run", dead)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("retry it first"),
    });
    const [row] = await database.sql<{ id: string }[]>`
      INSERT INTO jobs (queue, type, payload) VALUES ('recurring', 'prune', '{"due_ms": "never"}') RETURNING id`;
    const failed = await answerOf("run", row?.id ?? "");
    expect(failed.job).toMatchObject({ state: "dead", failure_kind: "invalid_input" });
    expect(await statusOf(row?.id ?? "")).toBe("failed");
  });
});
