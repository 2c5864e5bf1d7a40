import { Hono } from "hono";
import { z } from "zod";
import { operation } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";

const read = operation({
  scopes: ["ingest", "read"],
  tag: "Server",
  summary: "Limits of requests; each name ends with its unit",
  responses: { 200: z.object({ limits: z.record(z.string(), z.number()) }) },
  example: { status: 200 },
});

/** GET /api/limits. */
export function limitRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/", read, (c) => c.json({ limits: c.get("limits") }));
  return routes;
}
