import type { MiddlewareHandler } from "hono";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { AppEnv } from "./request-context.ts";

const UNMATCHED = "unmatched";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Middleware: counts and times requests by the pattern of their route, so that labels are few and hold nothing sent. */
export function countRequests({ httpRequests, httpSeconds }: ServerMetrics): MiddlewareHandler<AppEnv> {
  return async function countRequest(c, next) {
    const startedAt = performance.now();
    await next();
    const method = METHODS.has(c.req.method) ? c.req.method : "OTHER";
    const route = c.get("route") ?? UNMATCHED;
    httpRequests.add(1, method, route, String(c.res.status));
    httpSeconds.observe((performance.now() - startedAt) / 1000, method, route);
  };
}
