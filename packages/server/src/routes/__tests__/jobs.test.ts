import { afterEach, describe, expect, test } from "bun:test";
import { createJobRunner, defineJob, type JobRunner } from "@wharf/job-runner";
import { until } from "@wharf/testkit";
import pino from "pino";
import { z } from "zod";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();
const logger = pino({ level: "silent" });
const workers: JobRunner[] = [];
const workersEnd = () => Promise.all(workers.splice(0).map((worker) => worker.drain(500)));
afterEach(async () => {
  await workersEnd();
});

/** Another process's worker on the same database. */
async function startWorker(...jobs: Parameters<typeof createJobRunner>[0]["jobs"] & object) {
  const worker = createJobRunner({ sql: server.sql, jobs, logger, maxBackoffMs: 50, workerId: "worker-7" });
  workers.push(worker);
  await worker.start();
  return worker;
}

const get = (path: string) => server.request("GET", path);
const post = (path: string, body?: unknown) => server.request("POST", path, body);
const stateOf = async (id: string) => (await get(`/api/jobs/${id}`)).body.job.state;
const endsAs = (id: string, state: string) => until(async () => (await stateOf(id)) === state);
const INPUT = { due_ms: 1_764_000_000_000 };

async function enqueued(fields: object = {}): Promise<string> {
  return (await post("/api/jobs", { type: "prune", input: INPUT, ...fields })).body.job.id;
}

async function readKey(): Promise<Record<string, string>> {
  const { body } = await post("/api/keys", { scope: "read" });
  return { authorization: `Bearer ${body.key}` };
}

/** A URL as it is shown that was said with a password. */
const MASKED = "https://mail.example.com/";

const failing = defineJob({
  name: "failing",
  queue: "mail",
  input: z.object({ password: z.string() }),
  maxAttempts: 1,
  run: () => Promise.reject(new Error("no route to https://ada:hunter2@mail.example.com/")),
});
const endless = defineJob({
  name: "endless",
  queue: "mail",
  input: z.null(),
  expectedRunMs: 1,
  run: (ctx) =>
    new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
});

async function buried(): Promise<string> {
  const worker = workers[0] ?? (await startWorker(failing));
  const { id } = await worker.enqueue(failing, { password: "canary" });
  await endsAs(id, "dead");
  return id;
}

describe("POST /api/jobs", () => {
  test("stores a job of a known type, once under a key", async () => {
    const wanted = { type: "prune", input: INPUT, idempotency_key: "once", priority: -3, delay_ms: 60_000 };
    const first = await post("/api/jobs", wanted);
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      existed: false,
      job: { state: "scheduled", priority: -3, queue: "recurring" },
    });
    const again = await post("/api/jobs", wanted);
    expect(again).toMatchObject({ status: 200, body: { existed: true, job: { id: first.body.job.id } } });
    expect((await get("/api/jobs")).body.jobs).toHaveLength(1);
  });

  test("points at what the type's own schema refuses, and at an unknown type", async () => {
    const wrong = await post("/api/jobs", { type: "prune", input: { due_ms: "canary" } });
    expect(wrong.status).toBe(400);
    expect(wrong.body).toMatchObject({ code: "VALIDATION_FAILED", errors: [{ pointer: "/input/due_ms" }] });
    expect(JSON.stringify(wrong.body)).not.toContain("canary");
    const without = await post("/api/jobs", { type: "delete-session", input: {} });
    expect(without.body.errors).toEqual([{ pointer: "/input/session_id", detail: "is missing" }]);
    const unknown = await post("/api/jobs", { type: "nothing", input: {} });
    expect(unknown).toMatchObject({
      status: 400,
      body: { code: "JOB_TYPE_UNKNOWN", errors: [{ pointer: "/type" }] },
    });
    expect((await get("/api/jobs")).body.jobs).toEqual([]);
  });
});

describe("a name or key that no store keeps as it is", () => {
  const ODD = ["a\0b", "\0", "a\ud800"];
  const refused = (pointer: string) => ({
    status: 400,
    body: { code: "VALIDATION_FAILED", errors: [{ pointer, detail: expect.stringContaining("NUL") }] },
  });

  test("is refused where it would be stored, and nothing is", async () => {
    for (const odd of ODD) {
      const job = { type: "prune", input: INPUT, idempotency_key: odd };
      expect(await post("/api/jobs", job)).toMatchObject(refused("/idempotency_key"));
      for (const field of ["name", "key", "id"])
        expect(await post("/api/jobs/events", { name: "paid", payload: 1, [field]: odd })).toMatchObject(
          refused(`/${field}`),
        );
      expect(await post("/api/queues/mail/pause", { reason: odd })).toMatchObject(refused("/reason"));
    }
    expect((await get("/api/jobs")).body.jobs).toEqual([]);
  });

  test("is refused where it would be looked for", async () => {
    for (const field of ["queue", "type", "concurrency_key"])
      expect(await post("/api/jobs/retry", { [field]: "a\0b" })).toMatchObject(refused(`/${field}`));
  });
});

describe("GET /api/jobs", () => {
  test("lists newest first, by state and queue, page by page under one set of filters", async () => {
    const dead = await buried();
    const ids = [await enqueued(), await enqueued({ delay_ms: 60_000 }), await enqueued()];
    const newest = [...ids].reverse();
    const first = await get("/api/jobs?queue=recurring&limit=2");
    expect(first.body.jobs.map((job: { id: string }) => job.id)).toEqual(newest.slice(0, 2));
    expect(first.body.has_more).toBe(true);
    const rest = await get(`/api/jobs?queue=recurring&limit=2&cursor=${first.body.next_cursor}`);
    expect(rest.body).toMatchObject({ jobs: [{ id: ids[0] }], has_more: false, next_cursor: null });
    expect((await get(`/api/jobs?cursor=${first.body.next_cursor}`)).body.code).toBe("CURSOR_INVALID");
    expect((await get("/api/jobs?status=dlq")).body.jobs).toMatchObject([{ id: dead, state: "dead" }]);
    expect((await get("/api/jobs?status=scheduled,dead")).body.jobs).toHaveLength(2);
    expect((await get(`/api/jobs?ids=${ids[1]},${dead}`)).body.jobs).toHaveLength(2);
    expect((await get("/api/jobs?before=2020-01-01")).body.jobs).toEqual([]);
    expect((await get("/api/jobs?status=lost")).status).toBe(400);
  });

  test("shows neither payload nor token to anyone, and no password of an error's URL", async () => {
    await buried();
    const { body } = await get("/api/jobs");
    expect(body.jobs[0].last_error).toBe("Error: no route to https://mail.example.com/");
    for (const secret of ["canary", "hunter2", "lease_token", "payload"])
      expect(JSON.stringify(body)).not.toContain(secret);
  });
});

describe("GET /api/jobs/:id", () => {
  test("shows the lines behind an error's first to an admin key alone: they may be a command's output", async () => {
    const id = await buried();
    const error = "Exit code 1. Its stderr ended with:\ncanary";
    await server.sql`UPDATE jobs SET last_error = ${error}, dlq_reason = ${error} WHERE id = ${id}`;
    expect((await get(`/api/jobs/${id}`)).body.job).toMatchObject({ last_error: error, dlq_reason: error });
    const key = await readKey();
    const seen = await server.request("GET", `/api/jobs/${id}`, undefined, key);
    expect(seen.body.job.last_error).toBe("Exit code 1. Its stderr ended with:");
    expect(JSON.stringify([seen.body, (await get("/api/jobs")).body])).not.toContain("canary");
  });

  test("shows how each attempt ended, and of its error the first line alone to a read key", async () => {
    const id = await buried();
    const error = "Exit code 1. Its stderr ended with:\ncanary";
    await server.sql`
      INSERT INTO job_attempts (job_id, lease_generation, attempt, started_at, ended_at, worker_id, outcome, error)
      VALUES (${id}, 7, 1, '2026-03-01T12:00:00Z', '2026-03-01T12:00:30Z', 'w1', 'lease_lost', NULL),
        (${id}, 8, 1, '2026-03-01T12:00:31Z', '2026-03-01T12:00:32.5Z', 'w2', 'failed', ${error})`;
    const second = {
      attempt: 1,
      lease_generation: 8,
      worker_id: "w2",
      started_at: "2026-03-01T12:00:31.000000Z",
      ended_at: "2026-03-01T12:00:32.500000Z",
      outcome: "failed",
    };
    const { job } = (await get(`/api/jobs/${id}`)).body;
    expect(job.attempts).toBeNumber();
    expect(job.attempt_history.slice(-2)).toMatchObject([
      { outcome: "lease_lost", error: null },
      { ...second, error },
    ]);
    const seen = await server.request("GET", `/api/jobs/${id}`, undefined, await readKey());
    expect(seen.body.job.attempt_history.at(-1)).toEqual({
      ...second,
      error: "Exit code 1. Its stderr ended with:",
    });
  });

  test("shows payload, output, steps and log to an admin key, and what is no data to a read key", async () => {
    const stepping = defineJob({
      name: "stepping",
      input: z.object({ secret: z.string() }),
      async run(ctx) {
        await ctx.step("first", () => ({ token: "canary" }));
        await ctx.progress(1, 2, "half way to https://ada:hunter2@mail.example.com/\ncanary");
        ctx.log("canary");
        return "canary";
      },
    });
    const worker = await startWorker(stepping);
    const { id } = await worker.enqueue(stepping, { secret: "canary" });
    await endsAs(id, "completed");
    const { body } = await get(`/api/jobs/${id}`);
    expect(body.job).toMatchObject({
      state: "completed",
      payload: { secret: "canary" },
      output: "canary",
      steps: [{ name: "first", kind: "step", output: { token: "canary" } }],
      progress: { current: 1, total: 2, message: `half way to ${MASKED}\ncanary` },
    });
    expect((await get(`/api/jobs/${id}/log`)).body.log).toMatchObject([
      { line: 1, level: "info", message: "canary" },
    ]);
    const key = await readKey();
    const seen = await server.request("GET", `/api/jobs/${id}`, undefined, key);
    expect(seen.body.job).toMatchObject({ id, state: "completed", steps: [{ name: "first" }] });
    expect(seen.body.job.progress).toEqual({ current: 1, total: 2, message: `half way to ${MASKED}` });
    const listed = (await server.request("GET", "/api/jobs", undefined, key)).body.jobs[0];
    expect(listed.progress).toEqual(seen.body.job.progress);
    expect(JSON.stringify(seen.body)).not.toContain("canary");
    expect((await server.request("GET", `/api/jobs/${id}/log`, undefined, key)).status).toBe(403);
  });

  for (const id of ["4000000", "seven", "0", "-1", "99999999999999999999", "1e3"]) {
    test(`is 404 for ${id}`, async () => {
      for (const path of [`/api/jobs/${id}`, `/api/jobs/${id}/log`])
        expect((await get(path)).status).toBe(404);
      for (const action of ["retry", "cancel"])
        expect((await post(`/api/jobs/${id}/${action}`)).status).toBe(404);
      expect((await server.request("PATCH", `/api/jobs/${id}`, { priority: 1 })).status).toBe(404);
    });
  }
});

describe("retry and cancel", () => {
  test("a dead job runs again; one that is not dead is refused with its state", async () => {
    const id = await buried();
    // A worker might run it again before the answer is put together.
    await workersEnd();
    const { status, body } = await post(`/api/jobs/${id}/retry`, { keep_attempts: true });
    expect({ status, attempts: body.job.attempts, error: body.job.dlq_reason }).toEqual({
      status: 200,
      attempts: 1,
      error: null,
    });
    await startWorker(failing);
    await endsAs(id, "dead");
    const ready = await enqueued();
    expect(await post(`/api/jobs/${ready}/retry`)).toMatchObject({
      status: 409,
      body: { code: "JOB_STATE_CONFLICT", state: "ready" },
    });
  });

  test("a running job of another process receives the signal to stop", async () => {
    const worker = await startWorker(endless);
    const { id } = await worker.enqueue(endless, null);
    await endsAs(id, "running");
    const { status, body } = await post(`/api/jobs/${id}/cancel`, { reason: "enough" });
    expect({ status, state: body.job.state, error: body.job.last_error }).toEqual({
      status: 200,
      state: "cancelled",
      error: "enough",
    });
    await until(() => worker.stats().running === 0);
    expect((await post(`/api/jobs/${id}/cancel`)).status).toBe(409);
    expect((await post(`/api/jobs/${id}/retry`)).body.job.failure_kind).toBeNull();
  });

  test("all that match are changed, and a filter is needed", async () => {
    const [dead, other] = [await buried(), await buried()];
    const [scheduled, ready] = [await enqueued({ delay_ms: 60_000 }), await enqueued()];
    for (const action of ["retry", "cancel"]) {
      const refused = await post(`/api/jobs/${action}`, {});
      expect(refused).toMatchObject({ status: 400, body: { code: "FILTER_REQUIRED" } });
    }
    expect((await post("/api/jobs/retry", { reason: "typo" })).status).toBe(400);
    await workers[0]?.pauseQueue("mail");
    expect((await post("/api/jobs/retry", { ids: [dead], queue: "mail" })).body).toEqual({ retried: 1 });
    expect([await stateOf(dead), await stateOf(other)]).toEqual(["ready", "dead"]);
    expect((await post("/api/jobs/cancel", { status: ["scheduled"], type: "prune" })).body).toEqual({
      cancelled: 1,
    });
    expect([await stateOf(scheduled), await stateOf(ready)]).toEqual(["cancelled", "ready"]);
    expect((await post("/api/jobs/cancel", { queue: "recurring" })).body).toEqual({ cancelled: 1 });
    expect((await post("/api/jobs/retry", { status: ["cancelled"] })).body).toEqual({ retried: 2 });
  });
});

describe("PATCH /api/jobs/:id", () => {
  test("moves a job to now or later and makes it urgent", async () => {
    const id = await enqueued({ delay_ms: 60_000 });
    const now = await server.request("PATCH", `/api/jobs/${id}`, { run_at: null, priority: -9 });
    expect(now).toMatchObject({ status: 200, body: { job: { state: "ready", run_at: null, priority: -9 } } });
    const run_at = "2099-01-01T00:00:00.123456Z";
    expect((await server.request("PATCH", `/api/jobs/${id}`, { run_at })).body.job).toMatchObject({
      state: "scheduled",
      run_at,
      priority: -9,
    });
    await post(`/api/jobs/${id}/cancel`);
    expect((await server.request("PATCH", `/api/jobs/${id}`, { priority: 1 })).status).toBe(409);
    expect((await server.request("PATCH", `/api/jobs/${id}`, { priority: 40_000 })).status).toBe(400);
  });
});

describe("running jobs", () => {
  test("are shown with their worker and how long they run", async () => {
    const worker = await startWorker(endless);
    const { id } = await worker.enqueue(endless, null);
    await endsAs(id, "running");
    const { body } = await get("/api/jobs/running");
    expect(body.jobs).toMatchObject([{ id, type: "endless", locked_by: "worker-7", is_stuck: false }]);
    expect(body.jobs[0].running_ms).toBeGreaterThanOrEqual(0);
    expect(body.workers).toMatchObject([{ id: "worker-7", jobs: 1 }]);
  });
});

describe("events", () => {
  test("wake the job that waits for them", async () => {
    const waiting = defineJob({
      name: "waiting",
      input: z.null(),
      run: (ctx) => ctx.waitForEvent("approval", { event: "approved", key: "order-7" }),
    });
    const worker = await startWorker(waiting);
    const { id } = await worker.enqueue(waiting, null);
    await endsAs(id, "waiting");
    const event = { name: "approved", key: "order-7", payload: { by: "ada" }, id: "approval-1" };
    const sent = await post("/api/jobs/events", event);
    expect(sent).toMatchObject({ status: 202, body: { existed: false } });
    expect((await post("/api/jobs/events", event)).body).toEqual({ id: sent.body.id, existed: true });
    await endsAs(id, "completed");
  });

  test("needs no payload", async () => {
    expect((await post("/api/jobs/events", { name: "approved" })).status).toBe(202);
  });
});

describe("queues", () => {
  for (const [what, name] of [
    ["longer than any", "q".repeat(201)],
    ["of many surrogate pairs", "\u{1F4A9}".repeat(101)],
  ] as const) {
    test(`whose name is ${what} are not found, neither to be paused nor to be resumed`, async () => {
      for (const action of ["pause", "resume"])
        expect((await post(`/api/queues/${encodeURIComponent(name)}/${action}`)).status).toBe(404);
    });
  }

  const queueNamed = async (name: string) =>
    (await get("/api/queues")).body.queues.find((queue: { name: string }) => queue.name === name);

  test("are shown with their depths, those of known job types also when empty", async () => {
    expect(await queueNamed("recurring")).toMatchObject({ ready: 0, capped: [], paused_at: null });
    await enqueued();
    await enqueued({ delay_ms: 60_000 });
    expect(await queueNamed("recurring")).toMatchObject({ ready: 1, scheduled: 1, running: 0, dead: 0 });
    expect((await queueNamed("recurring")).oldest_ready_ms).toBeGreaterThan(0);
  });

  test("are paused once and resumed; no process claims meanwhile", async () => {
    const { status, body } = await post("/api/queues/mail/pause", { reason: "provider is down" });
    expect({ status, reason: body.queue.pause_reason }).toEqual({ status: 200, reason: "provider is down" });
    const worker = await startWorker(failing);
    const { id } = await worker.enqueue(failing, { password: "x" });
    const again = await post("/api/queues/mail/pause", { reason: "another" });
    expect(again.body.queue).toMatchObject({ pause_reason: "provider is down", ready: 1 });
    expect(await stateOf(id)).toBe("ready");
    expect((await post("/api/queues/mail/resume")).body.queue.paused_at).toBeNull();
    await endsAs(id, "dead");
    expect((await post("/api/queues/mail/resume")).status).toBe(200);
  });
});

describe("why a job does not run", () => {
  test("stands in the list and at the job, and a job that has ended has no reason", async () => {
    const id = await enqueued({ delay_ms: 3_600_000 });
    const [listed] = (await get("/api/jobs")).body.jobs;
    expect(listed.waiting).toMatchObject({ reason: "not_due", until: listed.run_at, job_id: null });
    expect((await get(`/api/jobs/${id}`)).body.job.waiting).toEqual(listed.waiting);
    await post("/api/queues/recurring/pause", { reason: "the disk is full" });
    await server.request("PATCH", `/api/jobs/${id}`, { run_at: null });
    const paused = (await get("/api/jobs")).body.jobs[0].waiting;
    expect(paused).toMatchObject({ reason: "paused", detail: expect.stringContaining("the disk is full") });
    await post(`/api/jobs/${id}/cancel`);
    expect((await get(`/api/jobs/${id}`)).body.job.waiting).toBeNull();
    await post("/api/queues/recurring/resume");
  });

  test("shows no password of an error", async () => {
    const id = await enqueued();
    await server.sql`
      UPDATE jobs SET attempts = 1, last_error = ${`Error: no route to https://ada:hunter2@mail.example.com/\n at x`},
        run_at = now() + interval '1 hour' WHERE id = ${id}`;
    const { detail } = (await get(`/api/jobs/${id}`)).body.job.waiting;
    expect(detail).toEndWith(`failed: Error: no route to ${MASKED}`);
  });
});

test("jobs are counted by state, within a filter", async () => {
  await enqueued();
  const id = await enqueued({ delay_ms: 60_000 });
  await post(`/api/jobs/${await enqueued({ delay_ms: 60_000 })}/cancel`);
  const counts = async (query = "") => {
    const { body } = await get(`/api/jobs/counts${query}`);
    const found = Object.entries<{ count: number; is_capped: boolean }>(body.counts);
    expect(found.some(([, { is_capped }]) => is_capped)).toBe(false);
    return Object.fromEntries(found.map(([state, { count }]) => [state, count]));
  };
  const none = { ready: 0, scheduled: 0, waiting: 0, running: 0, completed: 0, dead: 0, cancelled: 0 };
  expect(await counts()).toEqual({ ...none, ready: 1, scheduled: 1, cancelled: 1 });
  expect(await counts("?status=scheduled,dead")).toEqual({ scheduled: 1, dead: 0 });
  expect(await counts(`?ids=${id}&type=prune`)).toEqual({ ...none, scheduled: 1 });
  expect(await counts("?queue=mail")).toEqual(none);
  expect((await get("/api/jobs/counts?status=asleep")).status).toBe(400);
});

test("schedules are listed with their next and last tick", async () => {
  await server.sql`
    INSERT INTO job_schedules (name, cron, time_zone, next_at, updated_at)
    VALUES ('nightly', '0 3 * * *', 'Europe/Berlin', '2026-03-01T02:00:00Z', now())`;
  const { body } = await get("/api/schedules");
  expect(body).toEqual({
    schedules: [
      {
        ...{ name: "nightly", cron: "0 3 * * *", time_zone: "Europe/Berlin", last_at: null, error: null },
        next_at: "2026-03-01T02:00:00.000000Z",
      },
    ],
    ...{ next_cursor: null, has_more: false },
  });
});
