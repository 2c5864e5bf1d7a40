import { getPath } from "hono/utils/url";
import { withoutKeys } from "../keys/api-key.ts";
import type { Logger } from "../logger.ts";
import type { Answered } from "./every-request.ts";
import { createSample } from "./sample.ts";

/** A log line costs 10 µs and more, so of the requests that come in thousands a second only the first few are logged. */
const INGEST_LINES_PER_S = 10;
const SAMPLED_ROUTES = new Set(["/api/events", "/api/events/ingest"]);
const REQUEST_ID_PATTERN = /^[A-Za-z0-9_-]{8,64}$/;

/** The client's own X-Request-Id where it is usable, else a new one. */
export function requestIdOf(request: Request): string {
  const sent = request.headers.get("x-request-id");
  return sent !== null && REQUEST_ID_PATTERN.test(sent) ? sent : crypto.randomUUID();
}

/** Logs a request that was answered: never its query, body or key. */
export function createRequestLog(logger: Logger) {
  const isSampled = createSample(INGEST_LINES_PER_S);
  return function logRequest(answered: Answered, startedAt: number, duration_ms: number): void {
    const { request, exchange, response } = answered;
    const { status } = response;
    const isFrequent = request.method === "OPTIONS" || SAMPLED_ROUTES.has(exchange.route ?? "");
    if (status < 400 && isFrequent && !isSampled(startedAt + duration_ms)) return;
    const line = {
      request_id: exchange.requestId,
      method: request.method,
      path: withoutKeys(getPath(request)),
      status,
      duration_ms: Math.round(duration_ms * 10) / 10,
    };
    if (status >= 500) logger.warn(line, "request failed");
    else logger.info(line, "request");
  };
}
