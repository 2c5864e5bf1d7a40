import type { Context } from "hono";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { AppEnv } from "./context.ts";

const UNMATCHED = "unmatched";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Counts and times a request by the pattern of its route, never by its path: labels must stay few, and hold nothing sent. */
export function countRequest(metrics: ServerMetrics, c: Context<AppEnv>, duration_ms: number): void {
  const sent = c.req.method;
  const method = METHODS.has(sent) ? sent : "OTHER";
  const route = c.get("route") ?? UNMATCHED;
  metrics.httpRequests.add(1, method, route, String(c.res.status));
  metrics.httpSeconds.observe(duration_ms / 1000, method, route);
}
