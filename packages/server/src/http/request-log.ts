import type { Context } from "hono";
import { withoutKeys } from "../keys/api-key.ts";
import type { Logger } from "../logger.ts";
import type { AppEnv } from "./context.ts";
import { createSample } from "./sample.ts";

/** A log line costs 10 µs and more, so of the requests that come in thousands a second only the first few are logged. */
const INGEST_LINES_PER_S = 10;
const SAMPLED_PATHS = new Set(["/api/events", "/api/events/ingest"]);
const REQUEST_ID_PATTERN = /^[A-Za-z0-9_-]{8,64}$/;

/** The client's own X-Request-Id where it is usable, else a new one. */
export function requestIdOf(c: Context<AppEnv>): string {
  const sent = c.req.header("x-request-id");
  return sent !== undefined && REQUEST_ID_PATTERN.test(sent) ? sent : crypto.randomUUID();
}

/** Logs a request that was answered: never its query, body or key. */
export function createRequestLog(logger: Logger) {
  const isSampled = createSample(INGEST_LINES_PER_S);
  return function logRequest(c: Context<AppEnv>, startedAt: number, duration_ms: number): void {
    const { status } = c.res;
    const { path } = c.req;
    if (status < 400 && SAMPLED_PATHS.has(path) && !isSampled(startedAt + duration_ms)) return;
    const line = {
      request_id: c.get("requestId"),
      method: c.req.method,
      path: withoutKeys(path),
      status,
      duration_ms: Math.round(duration_ms * 10) / 10,
    };
    if (status >= 500) logger.warn(line, "request failed");
    else logger.info(line, "request");
  };
}
