import { JobSchemaError } from "@wharf/job-runner";
import { type EnqueueJobRequest, enqueueJobSchema, jobSchema, sendJobEventSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { withDeadline } from "../db/deadline.ts";
import { operation } from "../http/operation.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import { toInstant, toWireJob } from "../jobs/job-wire.ts";
import type { JobDependencies } from "./jobs.ts";

const tag = "Jobs";
const enqueuedResponse = z.object({ job: jobSchema, existed: z.boolean() });

const enqueue = operation({
  scopes: ["admin"],
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

const sendEvent = operation({
  scopes: ["admin"],
  tag,
  summary: "Send an event to the jobs that wait for it",
  body: sendJobEventSchema,
  responses: { 202: z.object({ id: z.string(), existed: z.boolean() }) },
  example: {
    status: 202,
    body: { name: "approved", key: "order-7", payload: { by: "ada" }, id: "approval-1" },
  },
});

/** POST /api/jobs and /api/jobs/events: new jobs, and events for waiting ones. */
export function jobEnqueueRoutes({ jobs, limits }: JobDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const within = <T>(query: Promise<T>) => withDeadline(query, limits.statement_deadline_ms);

  routes.post("/", enqueue, async function postJob(c) {
    const wanted = c.req.valid("json");
    const definition = jobs.definitions.get(wanted.type);
    if (definition === undefined) throw unknownType([...jobs.definitions.keys()]);
    const { id, existed } = await within(
      jobs.enqueue(definition, wanted.input ?? null, optionsOf(wanted)),
    ).catch(refuseInput);
    const job = await within(jobs.get(id));
    if (job === undefined) throw notFound("job");
    return c.json({ job: toWireJob(job), existed }, existed ? 200 : 201);
  });

  routes.post("/events", sendEvent, async function postEvent(c) {
    const { name, key, payload, id } = c.req.valid("json");
    const event = { name, key, payload: payload ?? null, ...(id === undefined ? {} : { id }) };
    return c.json(await within(jobs.sendEvent(event)), 202);
  });

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
