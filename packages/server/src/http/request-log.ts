import type { MiddlewareHandler } from "hono";
import type { Logger } from "../logger.ts";
import type { Access, AppEnv } from "./context.ts";
import { loggedPath } from "./logged-path.ts";
import { createSample } from "./sample.ts";

/** Of each route and status; a log line costs 10 µs and more, and an address without a key may send 17,000 requests a second. */
export const LOG_LINES_PER_S = 10;

/** Middleware: logs the first requests of each second, route and status: never a query, body or key. Metrics count all of them. */
export function logRequests(logger: Logger, { withoutAdminKey }: Access): MiddlewareHandler<AppEnv> {
  const isSampled = createSamples();

  return async function logRequest(c, next) {
    const startedAt = performance.now();
    await next();
    const endedAt = performance.now();
    const { status } = c.res;
    // Without a caller by status alone: different routes must not be a way to log more.
    const route = c.get("caller") === undefined ? undefined : c.get("route");
    if (!isSampled(route, status, endedAt)) return;
    const line = {
      request_id: c.get("requestId"),
      method: c.req.method,
      path: loggedPath(withoutAdminKey(c.req.path)),
      status,
      duration_ms: Math.round((endedAt - startedAt) * 10) / 10,
    };
    if (status >= 500) logger.warn(line, "request failed");
    else logger.info(line, "request");
  };
}

function createSamples() {
  const samples = new Map<string | undefined, Map<number, (now_ms: number) => boolean>>();

  return function isSampled(route: string | undefined, status: number, now_ms: number): boolean {
    const ofRoute = samples.get(route) ?? new Map<number, (now_ms: number) => boolean>();
    samples.set(route, ofRoute);
    const sample = ofRoute.get(status) ?? createSample(LOG_LINES_PER_S);
    ofRoute.set(status, sample);
    return sample(now_ms);
  };
}
