import type { MiddlewareHandler } from "hono";
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { Access, AppEnv } from "./context.ts";
import { countRequest } from "./count-requests.ts";
import { createRequestLog, requestIdOf } from "./request-log.ts";
import { createResponseHeaders } from "./response-headers.ts";

export type EveryRequestOptions = {
  access: Access;
  logger: Logger;
  metrics: ServerMetrics;
  limits: Limits;
  /** How many proxies stand before the server. */
  trustedProxies: number;
};

/**
 * What every request has in common: an id, access for its guard, and afterwards headers, a count and a line in the log. One
 * middleware, because each further one costs every event that comes alone a microsecond.
 */
export function handleEveryRequest(options: EveryRequestOptions): MiddlewareHandler<AppEnv> {
  const { access, logger, metrics } = options;
  const log = createRequestLog(logger);
  const addHeaders = createResponseHeaders(options);

  return async function everyRequest(c, next) {
    c.set("requestId", requestIdOf(c));
    c.set("access", access);
    const startedAt = performance.now();
    await next();
    addHeaders(c);
    const duration_ms = performance.now() - startedAt;
    countRequest(metrics, c, duration_ms);
    log(c, startedAt, duration_ms);
  };
}
