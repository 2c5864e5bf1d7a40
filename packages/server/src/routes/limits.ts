import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { requireScope } from "../http/scopes.ts";
import type { Limits } from "../limits.ts";

/** GET /api/limits: what a client has to stay below. */
export function limitRoutes({ limits }: { limits: Limits }) {
  const routes = new Hono<AppEnv>();
  routes.get("/", requireScope("ingest", "read"), (c) => c.json({ limits }));
  return routes;
}
