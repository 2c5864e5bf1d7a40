import { cancelJobsSchema, type JobFilterRequest, retryJobsSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { withDeadline } from "../db/deadline.ts";
import { operation } from "../http/operation.ts";
import { ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import { toJobFilter } from "../jobs/job-wire.ts";
import type { JobDependencies } from "./jobs.ts";

const tag = "Jobs";

const retryAll = operation({
  scopes: ["admin"],
  tag,
  summary: "Retry all dead jobs that match the filter",
  description: "Cancelled jobs are included only when `status` names them. The filter must not be empty.",
  body: retryJobsSchema,
  responses: { 200: z.object({ retried: z.number().int() }) },
  example: { status: 200, body: { status: ["dead"], type: "prune" } },
});

const cancelAll = operation({
  scopes: ["admin"],
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

/** POST /api/jobs/retry and /api/jobs/cancel. */
export function jobBulkActionRoutes({ jobs, limits }: JobDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const within = <T>(query: Promise<T>) => withDeadline(query, limits.statement_deadline_ms);

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

  return routes;
}

/** An empty filter would match all jobs. */
function requireFilter(filter: JobFilterRequest): void {
  if (Object.values(filter).some((value) => value !== undefined)) return;
  throw new ProblemError({
    status: 400,
    code: "FILTER_REQUIRED",
    detail:
      "A filter is required. Set at least one of status, ids, queue, type, concurrency_key, after and before.",
  });
}
