import { type JobRecord, jobState } from "@wharf/job-runner";
import { cancelJobSchema, jobChangeSchema, jobSchema, retryJobSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { withDeadline } from "../db/deadline.ts";
import { itemResponse, operation } from "../http/operation.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import { toInstant, toWireJob } from "../jobs/job-wire.ts";
import { type JobDependencies, readJobId } from "./jobs.ts";

const tag = "Jobs";
const jobResponse = itemResponse("job", jobSchema);

const retry = operation({
  scopes: ["admin"],
  tag,
  summary: "Retry a dead or cancelled job",
  body: retryJobSchema,
  isBodyOptional: true,
  responses: { 200: jobResponse },
  problems: { 409: "The job is neither dead nor cancelled." },
  example: { status: 200, path: { id: "7000000001" }, body: { keep_attempts: false } },
});

const cancel = operation({
  scopes: ["admin"],
  tag,
  summary: "Cancel a queued or running job; a running one is signalled to stop",
  body: cancelJobSchema,
  isBodyOptional: true,
  responses: { 200: jobResponse },
  problems: { 409: "The job has already finished." },
  example: { status: 200, path: { id: "7000000003" }, body: { reason: "no longer needed" } },
});

const change = operation({
  scopes: ["admin"],
  tag,
  summary: "Change the priority of a job, or its run time (`null`: now)",
  body: jobChangeSchema,
  responses: { 200: jobResponse },
  problems: { 409: "The job is neither ready nor scheduled." },
  example: { status: 200, path: { id: "7000000002" }, body: { run_at: null, priority: -10 } },
});

/** POST /api/jobs/:id/retry and /cancel, PATCH /api/jobs/:id. */
export function jobActionRoutes({ jobs, limits }: JobDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const within = <T>(query: Promise<T>) => withDeadline(query, limits.statement_deadline_ms);

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
  async function shown(id: string, refusal: string | null) {
    const job = await within(jobs.get(id));
    if (job === undefined) throw notFound("job");
    if (refusal !== null) throw wrongState(job, refusal);
    return toWireJob(job);
  }

  return routes;
}

function wrongState(job: JobRecord, refusal: string): ProblemError {
  return new ProblemError({
    status: 409,
    code: "JOB_STATE_CONFLICT",
    detail: `${refusal}; job ${job.id} is ${jobState(job)}.`,
    extensions: { state: jobState(job) },
  });
}
