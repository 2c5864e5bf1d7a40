import { getPath } from "hono/utils/url";
import type { Logger } from "../logger.ts";
import type { Answered } from "./every-request.ts";
import { loggedPath } from "./logged-path.ts";
import { createSample } from "./sample.ts";

/** Of each route and status; a log line costs 10 µs and more, and an address without a key may send 17,000 requests a second. */
export const LOG_LINES_PER_S = 10;
/** A UUID; keys are longer, except an admin key of the environment, which may have 32 characters. */
const REQUEST_ID_PATTERN = /^(?!.*wharf_)[A-Za-z0-9_-]{8,36}$/i;

/** As Access.withoutAdminKey. */
type WithoutAdminKey = (text: string) => string;

/** The client's own X-Request-Id where it is usable and is no key, else a new one. */
export function requestIdOf(request: Request, withoutAdminKey: WithoutAdminKey): string {
  const sent = request.headers.get("x-request-id");
  if (sent === null || !REQUEST_ID_PATTERN.test(sent)) return crypto.randomUUID();
  return withoutAdminKey(sent) === sent ? sent : crypto.randomUUID();
}

/** Logs the first requests of each second, route and status: never a query, body or key. Metrics count all of them. */
export function createRequestLog(logger: Logger, withoutAdminKey: WithoutAdminKey) {
  const samples = new Map<string | null, Map<number, (now_ms: number) => boolean>>();

  function isSampled({ exchange, response }: Answered, now_ms: number): boolean {
    // Without a caller by status alone: a route more must not be a way to log more.
    const route = exchange.caller === null ? null : exchange.route;
    const ofRoute = samples.get(route) ?? new Map<number, (now_ms: number) => boolean>();
    samples.set(route, ofRoute);
    const sample = ofRoute.get(response.status) ?? createSample(LOG_LINES_PER_S);
    ofRoute.set(response.status, sample);
    return sample(now_ms);
  }

  return function logRequest(answered: Answered, startedAt: number, duration_ms: number): void {
    if (!isSampled(answered, startedAt + duration_ms)) return;
    const { request, exchange, response } = answered;
    const { status } = response;
    const line = {
      request_id: exchange.requestId,
      method: request.method,
      path: loggedPath(withoutAdminKey(getPath(request))),
      status,
      duration_ms: Math.round(duration_ms * 10) / 10,
    };
    if (status >= 500) logger.warn(line, "request failed");
    else logger.info(line, "request");
  };
}
