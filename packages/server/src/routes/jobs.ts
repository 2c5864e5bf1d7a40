import {
  JOB_STATES,
  type JobState,
  jobCountQuerySchema,
  jobCountsSchema,
  jobDetailSchema,
  jobIdSchema,
  jobListQuerySchema,
  jobLogLineSchema,
  jobLogQuerySchema,
  listedJobSchema,
  runningJobSchema,
  runningJobsQuerySchema,
  workerSchema,
} from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { z } from "zod";
import { withDeadline } from "../db/deadline.ts";
import { callerOf } from "../http/caller.ts";
import { itemResponse, operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, positionNumberSchema } from "../http/pagination.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { JobAdministration } from "../jobs/job-administration.ts";
import {
  toJobFilter,
  toWireDetail,
  toWireJob,
  toWireReason,
  toWireRun,
  toWireWorker,
} from "../jobs/job-wire.ts";
import type { Limits } from "../limits.ts";

export type JobDependencies = { jobs: JobAdministration; limits: Limits };

const tag = "Jobs";
const path = { id: "7000000003" };

const list = operation({
  scopes: ["read"],
  tag,
  summary: "List jobs, newest first, including completed ones",
  description:
    "`status` takes states, and the groups `queued` (ready, scheduled, waiting), `failed` (dead, cancelled) and `dlq` (dead). Payloads are not included. `waiting` is the reason why a job that has not ended does not run.",
  query: jobListQuerySchema,
  responses: { 200: pageResponse("jobs", listedJobSchema) },
  example: { status: 200, query: { status: "dead,scheduled", queue: "recurring", limit: "10" } },
});

const listRunning = operation({
  scopes: ["read"],
  tag,
  summary: "List running jobs, longest first, and the workers that hold them",
  query: runningJobsQuerySchema,
  responses: { 200: z.object({ jobs: z.array(runningJobSchema), workers: z.array(workerSchema) }) },
  example: { status: 200, query: { limit: "10" } },
});

const read = operation({
  scopes: ["read"],
  tag,
  summary: "Get a job with its steps and attempts",
  description:
    "Payload, output and step results are included for admin keys only. `waiting` is the reason, as one sentence, why a job that has not ended does not run.",
  responses: { 200: itemResponse("job", jobDetailSchema) },
  example: { status: 200, path },
});

const readCounts = operation({
  scopes: ["read"],
  tag,
  summary: "Count jobs by state, up to 10,000 of each",
  description:
    "With the filter of a retry or a cancellation of many jobs, the number that it concerns: `dead` for a retry; `ready`, `scheduled`, `waiting` and `running` for a cancellation.",
  query: jobCountQuerySchema,
  responses: { 200: jobCountsSchema },
  example: { status: 200, query: { queue: "recurring" } },
});

const readLog = operation({
  scopes: ["admin"],
  tag,
  summary: "List the log lines of a job, oldest first",
  query: jobLogQuerySchema,
  responses: { 200: pageResponse("log", jobLogLineSchema) },
  example: { status: 200, path, query: { limit: "10" } },
});

/** GET /api/jobs and below: the jobs of all processes. */
export function jobRoutes({ jobs, limits }: JobDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const within = <T>(query: Promise<T>) => withDeadline(query, limits.statement_deadline_ms);

  routes.get("/", list, async function getJobs(c) {
    const { limit, cursor: sent, ...filters } = c.req.valid("query");
    const cursor = createCursor("jobs", filters, positionNumberSchema);
    const before = cursor.read(sent);
    const page = { limit: limit + 1, ...(before === null ? {} : { before }) };
    const found = await within(jobs.list(toJobFilter(filters), page));
    const { items, page: next } = pageOf(found, limit, cursor, (job) => job.id);
    const reasons = await within(jobs.waitingReasons(items));
    const listed = items.map((job) => ({ ...toWireJob(job), waiting: toWireReason(reasons.get(job.id)) }));
    return c.json({ jobs: listed, ...next });
  });

  routes.get("/running", listRunning, async function getRunningJobs(c) {
    const { limit } = c.req.valid("query");
    const [runs, workers] = await within(Promise.all([jobs.longRuns(limit), jobs.workers()]));
    return c.json({ jobs: runs.map(toWireRun), workers: workers.map(toWireWorker) });
  });

  routes.get("/counts", readCounts, async function getCounts(c) {
    const filter = toJobFilter(c.req.valid("query"));
    const wanted = JOB_STATES.filter((state) => filter.states?.includes(state) ?? true);
    const countOf = async (state: JobState) => {
      const { count, isCapped } = await jobs.count({ ...filter, states: [state] });
      return [state, { count, is_capped: isCapped }] as const;
    };
    return c.json({ counts: Object.fromEntries(await within(Promise.all(wanted.map(countOf)))) });
  });

  routes.get("/:id", read, async function getJob(c) {
    const id = readJobId(c);
    const reads = [jobs.get(id), jobs.steps(id), jobs.attempts(id)] as const;
    const [job, steps, attempts] = await within(Promise.all(reads));
    if (job === undefined) throw notFound("job");
    const withData = callerOf(c).scope === "admin";
    const waiting = (await within(jobs.waitingReasons([job], new Map([[id, steps]])))).get(id);
    return c.json({ job: toWireDetail(job, { steps, attempts, waiting }, withData) });
  });

  routes.get("/:id/log", readLog, async function getJobLog(c) {
    const id = readJobId(c);
    const { limit, cursor: sent } = c.req.valid("query");
    const cursor = createCursor("job-log", { id }, positionNumberSchema);
    const after = Number(cursor.read(sent) ?? 0);
    const [job, lines] = await within(Promise.all([jobs.get(id), jobs.log(id, { limit: limit + 1, after })]));
    if (job === undefined) throw notFound("job");
    const { items, page } = pageOf(lines, limit, cursor, (line) => String(line.line));
    const log = items.map(({ loggedAt, ...line }) => ({ ...line, logged_at: loggedAt }));
    return c.json({ log, ...page });
  });

  return routes;
}

/** The job id in the path. Throws ProblemError 404 for text that no job can have as its id. */
export function readJobId(c: Context): string {
  const id = jobIdSchema.safeParse(readPathId(c, "id", "job"));
  if (id.success) return id.data;
  throw notFound("job");
}
