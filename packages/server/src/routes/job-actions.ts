import { type JobRecord, JobSchemaError, jobState } from "@wharf/job-runner";
import {
  cancelJobSchema,
  cancelJobsSchema,
  type EnqueueJobRequest,
  enqueueJobSchema,
  type JobFilterRequest,
  jobChangeSchema,
  retryJobSchema,
  retryJobsSchema,
  sendJobEventSchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import { withDeadline } from "../db/deadline.ts";
import type { AppEnv } from "../http/context.ts";
import { readJson, readOptionalJson } from "../http/json.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { requireScope } from "../http/scopes.ts";
import { toInstant, toJobFilter, toWireJob } from "../jobs/job-wire.ts";
import { type JobDependencies, readJobId } from "./jobs.ts";

/** What an admin key may do with jobs. An action on many needs a filter, so that none hits all of them by mistake. */
export function jobActionRoutes({ jobs, limits }: JobDependencies) {
  const routes = new Hono<AppEnv>();
  const admin = requireScope("admin");
  const within = <T>(query: Promise<T>) => withDeadline(query, limits.statement_deadline_ms);

  routes.post("/", admin, async function postJob(c) {
    const wanted = await readJson(c, enqueueJobSchema, limits);
    const definition = jobs.definitions.get(wanted.type);
    if (definition === undefined) throw unknownType([...jobs.definitions.keys()]);
    const { id, existed } = await within(
      jobs.enqueue(definition, wanted.input ?? null, optionsOf(wanted)),
    ).catch(refuseInput);
    return c.json({ job: await shown(id), existed }, existed ? 200 : 201);
  });

  routes.post("/retry", admin, async function postRetries(c) {
    const { keep_attempts, ...filter } = await readJson(c, retryJobsSchema, limits);
    requireFilter(filter);
    return c.json({
      retried: await within(jobs.requeue(toJobFilter(filter), { keepAttempts: keep_attempts })),
    });
  });

  routes.post("/cancel", admin, async function postCancels(c) {
    const { reason, ...filter } = await readJson(c, cancelJobsSchema, limits);
    requireFilter(filter);
    return c.json({ cancelled: await within(jobs.cancelAll(toJobFilter(filter), reason)) });
  });

  routes.post("/events", admin, async function postEvent(c) {
    const { name, key, payload, id } = await readJson(c, sendJobEventSchema, limits);
    const event = { name, key, payload: payload ?? null, ...(id === undefined ? {} : { id }) };
    return c.json(await within(jobs.sendEvent(event)), 202);
  });

  routes.post("/:id/retry", admin, async function postRetry(c) {
    const id = readJobId(c);
    const { keep_attempts } = await readOptionalJson(c, retryJobSchema, limits);
    const failed = { ids: [id], states: ["dead", "cancelled"] } as const;
    const count = await within(jobs.requeue(failed, { keepAttempts: keep_attempts }));
    return c.json({ job: await shown(id, count > 0 ? null : "Only a dead or cancelled job can be retried") });
  });

  routes.post("/:id/cancel", admin, async function postCancel(c) {
    const id = readJobId(c);
    const { reason } = await readOptionalJson(c, cancelJobSchema, limits);
    const isCancelled = await within(jobs.cancel(id, reason));
    return c.json({
      job: await shown(id, isCancelled ? null : "Only a queued or running job can be cancelled"),
    });
  });

  routes.patch("/:id", admin, async function patchJob(c) {
    const id = readJobId(c);
    const { priority, run_at } = await readJson(c, jobChangeSchema, limits);
    const change = {
      ...(priority !== undefined && { priority }),
      ...(run_at !== undefined && { runAt: run_at === null ? null : toInstant(run_at) }),
    };
    const isChanged = await within(jobs.reschedule(id, change));
    return c.json({
      job: await shown(id, isChanged ? null : "Only a ready or scheduled job can be changed"),
    });
  });

  /** The job as it now is. Throws 404, and 409 when `refusal` says why nothing was done. */
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
      "No jobs selected: give at least one of status, ids, queue, type, concurrency_key, after and before.",
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
