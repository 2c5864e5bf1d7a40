import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { Answered } from "./every-request.ts";

const UNMATCHED = "unmatched";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Counts and times a request by the pattern of its route, never by its path: labels must stay few, and hold nothing sent. */
export function countRequest(metrics: ServerMetrics, answered: Answered, duration_ms: number): void {
  const { request, exchange, response } = answered;
  const method = METHODS.has(request.method) ? request.method : "OTHER";
  const route = exchange.route ?? UNMATCHED;
  metrics.httpRequests.add(1, method, route, String(response.status));
  metrics.httpSeconds.observe(duration_ms / 1000, method, route);
}
