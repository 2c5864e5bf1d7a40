import { NAME_CHARACTERS_MAX, pauseQueueSchema, queueSchema } from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { withDeadline } from "../db/deadline.ts";
import { itemResponse, operation, pageResponse } from "../http/operation.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { toWireQueue } from "../jobs/job-wire.ts";
import type { JobDependencies } from "./jobs.ts";

const tag = "Jobs";
const path = { name: "recurring" };
const queueResponse = itemResponse("queue", queueSchema);

const list = operation({
  scopes: ["read"],
  tag,
  summary: "List queues with their depths, oldest ready job and whether they are paused",
  responses: { 200: pageResponse("queues", queueSchema) },
  example: { status: 200 },
});

const pause = operation({
  scopes: ["admin"],
  tag,
  summary: "Pause a queue in all processes; running jobs continue",
  body: pauseQueueSchema,
  isBodyOptional: true,
  responses: { 200: queueResponse },
  example: { status: 200, path, body: { reason: "the mail provider is down" } },
});

const resume = operation({
  scopes: ["admin"],
  tag,
  summary: "Resume a queue",
  responses: { 200: queueResponse },
  example: { status: 200, path },
});

/** /api/queues: depths of queues; paused and resumed. */
export function queueRoutes({ jobs, limits }: JobDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const within = <T>(query: Promise<T>) => withDeadline(query, limits.statement_deadline_ms);

  routes.get("/", list, async function getQueues(c) {
    const queues = await within(jobs.queues());
    return c.json({ queues: queues.map(toWireQueue), next_cursor: null, has_more: false });
  });

  // Pausing a paused queue changes nothing.
  routes.post("/:name/pause", pause, async function postPause(c) {
    const name = readQueueName(c);
    const { reason } = c.req.valid("json");
    await within(jobs.pauseQueue(name, reason ?? null));
    return c.json({ queue: await shown(name) });
  });

  routes.post("/:name/resume", resume, async function postResume(c) {
    const name = readQueueName(c);
    await within(jobs.resumeQueue(name));
    return c.json({ queue: await shown(name) });
  });

  async function shown(name: string) {
    const queue = (await within(jobs.queues([name]))).find((stats) => stats.queue === name);
    if (queue === undefined) throw notFound("queue");
    return toWireQueue(queue);
  }

  return routes;
}

/** Throws ProblemError 404 for a name that no queue can have. */
function readQueueName(c: Context<AppEnv>): string {
  const name = readPathId(c, "name", "queue");
  if (name.trim() === "" || name.length > NAME_CHARACTERS_MAX) throw notFound("queue");
  return name;
}
