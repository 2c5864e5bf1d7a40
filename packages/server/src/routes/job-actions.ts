import { type JobRecord, JobSchemaError, jobState } from "@wharf/job-runner";
import {
  cancelJobSchema,
  cancelJobsSchema,
  type EnqueueJobRequest,
  enqueueJobSchema,
  type JobFilterRequest,
  jobChangeSchema,
  jobSchema,
  retryJobSchema,
  retryJobsSchema,
  sendJobEventSchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { withDeadline } from "../db/deadline.ts";
import { itemResponse, operation } from "../http/operation.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import { toInstant, toJobFilter, toWireJob } from "../jobs/job-wire.ts";
import { type JobDependencies, readJobId } from "./jobs.ts";

const tag = "Jobs";
const scopes = ["admin"] as const;
const jobResponse = itemResponse("job", jobSchema);
const enqueuedResponse = z.object({ job: jobSchema, existed: z.boolean() });

const enqueue = operation({
  scopes,
  tag,
  summary: "Enqueue a job of a type that this server defines",
  description:
    "`input` is validated by the schema of the type. A repeated `idempotency_key` returns 200 with the existing job.",
  body: enqueueJobSchema,
  responses: { 200: enqueuedResponse, 201: enqueuedResponse },
  problems: { 404: "The job finished and was removed from the archive before it could be returned." },
  example: {
    status: 201,
    body: { type: "prune", input: { due_ms: 1_764_000_000_000 }, idempotency_key: "prune by hand" },
  },
});

const retryAll = operation({
  scopes,
  tag,
  summary: "Retry all dead jobs that match the filter",
  description: "Cancelled jobs are included only when `status` names them. The filter must not be empty.",
  body: retryJobsSchema,
  responses: { 200: z.object({ retried: z.number().int() }) },
  example: { status: 200, body: { status: ["dead"], type: "prune" } },
});

const cancelAll = operation({
  scopes,
  tag,
  summary: "Cancel all queued and running jobs that match the filter",
  description: "The filter must not be empty.",
  body: cancelJobsSchema,
  responses: { 200: z.object({ cancelled: z.number().int() }) },
  example: {
    status: 200,
    body: { status: ["scheduled"], queue: "recurring", reason: "moved to another day" },
  },
});

const sendEvent = operation({
  scopes,
  tag,
  summary: "Send an event to the jobs that wait for it",
  body: sendJobEventSchema,
  responses: { 202: z.object({ id: z.string(), existed: z.boolean() }) },
  example: {
    status: 202,
    body: { name: "approved", key: "order-7", payload: { by: "ada" }, id: "approval-1" },
  },
});

const retry = operation({
  scopes,
  tag,
  summary: "Retry a dead or cancelled job",
  body: retryJobSchema,
  isBodyOptional: true,
  responses: { 200: jobResponse },
  problems: { 409: "The job is neither dead nor cancelled." },
  example: { status: 200, path: { id: "7000000001" }, body: { keep_attempts: false } },
});

const cancel = operation({
  scopes,
  tag,
  summary: "Cancel a queued or running job; a running one is signalled to stop",
  body: cancelJobSchema,
  isBodyOptional: true,
  responses: { 200: jobResponse },
  problems: { 409: "The job has already finished." },
  example: { status: 200, path: { id: "7000000003" }, body: { reason: "no longer needed" } },
});

const change = operation({
  scopes,
  tag,
  summary: "Change the priority of a job, or its run time (`null`: now)",
  body: jobChangeSchema,
  responses: { 200: jobResponse },
  problems: { 409: "The job is neither ready nor scheduled." },
  example: { status: 200, path: { id: "7000000002" }, body: { run_at: null, priority: -10 } },
});

/** Changes of jobs, for admin keys. Actions on several jobs require a filter: an empty one would match all jobs. */
export function jobActionRoutes({ jobs, limits }: JobDependencies) {
  const routes = new Hono<AppEnv>();
  const within = <T>(query: Promise<T>) => withDeadline(query, limits.statement_deadline_ms);

  routes.post("/", enqueue, async function postJob(c) {
    const wanted = c.req.valid("json");
    const definition = jobs.definitions.get(wanted.type);
    if (definition === undefined) throw unknownType([...jobs.definitions.keys()]);
    const { id, existed } = await within(
      jobs.enqueue(definition, wanted.input ?? null, optionsOf(wanted)),
    ).catch(refuseInput);
    return c.json({ job: await shown(id), existed }, existed ? 200 : 201);
  });

  routes.post("/retry", retryAll, async function postRetries(c) {
    const { keep_attempts, ...filter } = c.req.valid("json");
    requireFilter(filter);
    return c.json({
      retried: await within(jobs.requeue(toJobFilter(filter), { keepAttempts: keep_attempts })),
    });
  });

  routes.post("/cancel", cancelAll, async function postCancels(c) {
    const { reason, ...filter } = c.req.valid("json");
    requireFilter(filter);
    return c.json({ cancelled: await within(jobs.cancelAll(toJobFilter(filter), reason)) });
  });

  routes.post("/events", sendEvent, async function postEvent(c) {
    const { name, key, payload, id } = c.req.valid("json");
    const event = { name, key, payload: payload ?? null, ...(id === undefined ? {} : { id }) };
    return c.json(await within(jobs.sendEvent(event)), 202);
  });

  routes.post("/:id/retry", retry, async function postRetry(c) {
    const id = readJobId(c);
    const { keep_attempts } = c.req.valid("json");
    const failed = { ids: [id], states: ["dead", "cancelled"] } as const;
    const count = await within(jobs.requeue(failed, { keepAttempts: keep_attempts }));
    return c.json({ job: await shown(id, count > 0 ? null : "Only a dead or cancelled job can be retried") });
  });

  routes.post("/:id/cancel", cancel, async function postCancel(c) {
    const id = readJobId(c);
    const { reason } = c.req.valid("json");
    const isCancelled = await within(jobs.cancel(id, reason));
    return c.json({
      job: await shown(id, isCancelled ? null : "Only a queued or running job can be cancelled"),
    });
  });

  routes.patch("/:id", change, async function patchJob(c) {
    const id = readJobId(c);
    const { priority, run_at } = c.req.valid("json");
    const changes = {
      ...(priority !== undefined && { priority }),
      ...(run_at !== undefined && { runAt: run_at === null ? null : toInstant(run_at) }),
    };
    const isChanged = await within(jobs.reschedule(id, changes));
    return c.json({
      job: await shown(id, isChanged ? null : "Only a ready or scheduled job can be changed"),
    });
  });

  /** The current job. Throws ProblemError 404, or 409 with `refusal` as the reason why nothing was changed. */
  async function shown(id: string, refusal: string | null = null) {
    const job = await within(jobs.get(id));
    if (job === undefined) throw notFound("job");
    if (refusal !== null) throw wrongState(job, refusal);
    return toWireJob(job);
  }

  return routes;
}

function optionsOf(wanted: EnqueueJobRequest) {
  const { idempotency_key, priority, run_at, delay_ms } = wanted;
  return {
    ...(idempotency_key !== undefined && { idempotencyKey: idempotency_key }),
    ...(priority !== undefined && { priority }),
    ...(run_at !== undefined && { runAt: toInstant(run_at) }),
    ...(delay_ms !== undefined && { delayMs: delay_ms }),
  };
}

function refuseInput(error: unknown): never {
  if (!(error instanceof JobSchemaError)) throw error;
  const errors = error.issues.map(({ pointer, detail }) => ({ pointer: `/input${pointer}`, detail }));
  throw new ProblemError({ status: 400, code: "VALIDATION_FAILED", detail: error.message, errors });
}

function unknownType(known: readonly string[]): ProblemError {
  const detail = `must be a job type of this server: ${[...known].sort().join(", ")}`;
  return new ProblemError({
    status: 400,
    code: "JOB_TYPE_UNKNOWN",
    detail: `/type: ${detail}`,
    errors: [{ pointer: "/type", detail }],
  });
}

function requireFilter(filter: JobFilterRequest): void {
  if (Object.values(filter).some((value) => value !== undefined)) return;
  throw new ProblemError({
    status: 400,
    code: "FILTER_REQUIRED",
    detail:
      "A filter is required. Set at least one of status, ids, queue, type, concurrency_key, after and before.",
  });
}

function wrongState(job: JobRecord, refusal: string): ProblemError {
  return new ProblemError({
    status: 409,
    code: "JOB_STATE_CONFLICT",
    detail: `${refusal}; job ${job.id} is ${jobState(job)}.`,
    extensions: { state: jobState(job) },
  });
}
