import type { MiddlewareHandler } from "hono";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { AppEnv } from "./context.ts";

const UNMATCHED = "unmatched";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Counts and times requests by the pattern of their route, never by their path: labels must stay few, and hold nothing sent. */
export function countRequests(metrics: ServerMetrics): MiddlewareHandler<AppEnv> {
  return async function countRequest(c, next) {
    const startedAt = performance.now();
    await next();
    const method = METHODS.has(c.req.method) ? c.req.method : "OTHER";
    const route = c.var.route ?? UNMATCHED;
    metrics.httpRequests.add(1, method, route, String(c.res.status));
    metrics.httpSeconds.observe((performance.now() - startedAt) / 1000, method, route);
  };
}
