import { NAME_CHARACTERS_MAX, pauseQueueSchema } from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { withDeadline } from "../db/deadline.ts";
import type { AppEnv } from "../http/context.ts";
import { readOptionalJson } from "../http/json.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import { requireScope } from "../http/scopes.ts";
import { toWireQueue } from "../jobs/job-wire.ts";
import type { JobDependencies } from "./jobs.ts";

/** /api/queues: how the queues stand, and which of them stand still. */
export function queueRoutes({ jobs, limits }: JobDependencies) {
  const routes = new Hono<AppEnv>();
  const admin = requireScope("admin");
  const within = <T>(query: Promise<T>) => withDeadline(query, limits.statement_deadline_ms);

  routes.get("/", requireScope("read"), async function getQueues(c) {
    const queues = await within(jobs.queues());
    return c.json({ queues: queues.map(toWireQueue), next_cursor: null, has_more: false });
  });

  /** A queue that is paused already stays as it is. */
  routes.post("/:name/pause", admin, async function postPause(c) {
    const name = readQueueName(c);
    const { reason } = await readOptionalJson(c, pauseQueueSchema, limits);
    await within(jobs.pauseQueue(name, reason ?? null));
    return c.json({ queue: await shown(name) });
  });

  routes.post("/:name/resume", admin, async function postResume(c) {
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
