import { jobIdSchema, jobListQuerySchema, jobLogQuerySchema, runningJobsQuerySchema } from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { withDeadline } from "../db/deadline.ts";
import { type AppEnv, callerOf } from "../http/context.ts";
import { createCursor, positionNumberSchema } from "../http/cursor.ts";
import { pageOf } from "../http/list.ts";
import { notFound } from "../http/problem.ts";
import { readPathId, readQuery } from "../http/query.ts";
import { requireScope } from "../http/scopes.ts";
import type { JobAdministration } from "../jobs/job-administration.ts";
import { toJobFilter, toWireDetail, toWireJob, toWireRun, toWireWorker } from "../jobs/job-wire.ts";
import type { Limits } from "../limits.ts";

export type JobDependencies = { jobs: JobAdministration; limits: Limits };

/** GET /api/jobs and below: what the job engine does, in every process. */
export function jobRoutes({ jobs, limits }: JobDependencies) {
  const routes = new Hono<AppEnv>();
  const read = requireScope("read");
  const within = <T>(query: Promise<T>) => withDeadline(query, limits.statement_deadline_ms);

  routes.get("/", read, async function getJobs(c) {
    const { limit, cursor: sent, ...filters } = readQuery(c, jobListQuerySchema);
    const cursor = createCursor("jobs", filters, positionNumberSchema);
    const before = cursor.read(sent);
    const page = { limit: limit + 1, ...(before === null ? {} : { before }) };
    const found = await within(jobs.list(toJobFilter(filters), page));
    const { items, page: next } = pageOf(found, limit, cursor, (job) => job.id);
    return c.json({ jobs: items.map(toWireJob), ...next });
  });

  routes.get("/running", read, async function getRunningJobs(c) {
    const { limit } = readQuery(c, runningJobsQuerySchema);
    const [runs, workers] = await within(Promise.all([jobs.longRuns(limit), jobs.workers()]));
    return c.json({ jobs: runs.map(toWireRun), workers: workers.map(toWireWorker) });
  });

  routes.get("/:id", read, async function getJob(c) {
    const id = readJobId(c);
    const reads = [jobs.get(id), jobs.steps(id), jobs.attempts(id)] as const;
    const [job, steps, attempts] = await within(Promise.all(reads));
    if (job === undefined) throw notFound("job");
    const withData = callerOf(c).scope === "admin";
    return c.json({ job: toWireDetail(job, { steps, attempts }, withData) });
  });

  routes.get("/:id/log", requireScope("admin"), async function getJobLog(c) {
    const id = readJobId(c);
    const { limit, cursor: sent } = readQuery(c, jobLogQuerySchema);
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

/** What is no number of a job gets the answer of an unknown one. */
export function readJobId(c: Context): string {
  const id = jobIdSchema.safeParse(readPathId(c, "id", "job"));
  if (id.success) return id.data;
  throw notFound("job");
}
