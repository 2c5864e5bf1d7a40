import { scheduleSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { withDeadline } from "../db/deadline.ts";
import { operation, pageResponse } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { JobDependencies } from "./jobs.ts";

const list = operation({
  scopes: ["read"],
  tag: "Jobs",
  summary: "List the schedules of jobs with their next and last tick",
  responses: { 200: pageResponse("schedules", scheduleSchema) },
  example: { status: 200 },
});

/** GET /api/schedules: the cron expressions of all processes, by name. */
export function scheduleRoutes({ jobs, limits }: JobDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getSchedules(c) {
    const { failingSchedules } = jobs.stats();
    const schedules = await withDeadline(jobs.schedules(), limits.statement_deadline_ms);
    const listed = schedules.map(({ name, cron, timeZone, nextAt, lastAt }) => ({
      ...{ name, cron, time_zone: timeZone, next_at: nextAt, last_at: lastAt },
      error: failingSchedules[name] ?? null,
    }));
    return c.json({ schedules: listed, next_cursor: null, has_more: false });
  });

  return routes;
}
