import type { MiddlewareHandler } from "hono";
import { withoutKeys } from "../keys/api-key.ts";
import type { Logger } from "../logger.ts";
import type { Access } from "./access.ts";
import type { AppEnv } from "./request-context.ts";

/** For each route and status. A line costs at least 10 µs, and a client without a key can send 17,000 requests a second. */
export const LOG_LINES_PER_S = 10;

/** Enough to tell every route and the ids in it. */
export const LOGGED_PATH_CHARACTERS_MAX = 200;
/** Ids, names and canonical ids of workspaces. A remote with credentials has a colon or an at sign, as it is or encoded. */
const PLAIN_PATH = /^[A-Za-z0-9_./~-]*$/;
const RESOURCE = /^\/api\/[a-z-]{1,20}(?=\/)/;

/** Middleware: logs the first requests of each second, route and status: never a query, body or key. Metrics count all of them. */
export function logRequests(logger: Logger, { withoutAdminKey }: Access): MiddlewareHandler<AppEnv> {
  const isSampled = createSamples();

  return async function logRequest(c, next) {
    const startedAt = performance.now();
    await next();
    const endedAt = performance.now();
    const { status } = c.res;
    // Without a key, sampled by status only: requests to many routes must not write more lines.
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

/** Says yes to the first `perS` of each second, by the milliseconds of a clock that never goes back. */
export function createSample(perS: number): (now_ms: number) => boolean {
  let second = -1;
  let count = 0;

  return function isSampled(now_ms) {
    const current = Math.floor(now_ms / 1000);
    if (current !== second) count = 0;
    second = current;
    count += 1;
    return count <= perS;
  };
}

/**
 * A request's path as it may be logged: without keys, bounded, and only its resource where it holds a character that no id has:
 * it may be a git remote with a password.
 */
export function loggedPath(path: string): string {
  if (!PLAIN_PATH.test(path)) return `${RESOURCE.exec(path)?.[0] ?? ""}/[…]`;
  const safe = withoutKeys(path);
  return safe.length > LOGGED_PATH_CHARACTERS_MAX ? `${safe.slice(0, LOGGED_PATH_CHARACTERS_MAX)}…` : safe;
}
