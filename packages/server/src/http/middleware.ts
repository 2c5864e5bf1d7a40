import type { MiddlewareHandler } from "hono";
import { mayHoldStoredJson, withStoredJson } from "../json/stored-json.ts";
import { withoutKeys } from "../keys/api-key.ts";
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { Access } from "./access.ts";
import { rateLimitPolicy } from "./rate-limits.ts";
import type { AppEnv } from "./request-context.ts";

/** For each route and status. A line costs at least 10 µs, and a client without a key can send 17,000 requests a second. */
export const LOG_LINES_PER_S = 10;

/** Enough to tell every route and the ids in it. */
export const LOGGED_PATH_CHARACTERS_MAX = 200;
/** Ids, names and canonical ids of workspaces. A remote with credentials has a colon or an at sign, as it is or encoded. */
const PLAIN_PATH = /^[A-Za-z0-9_./~-]*$/;
const RESOURCE = /^\/api\/[a-z-]{1,20}(?=\/)/;
const UNMATCHED = "unmatched";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const HSTS_MAX_AGE_S = 365 * 24 * 60 * 60;
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

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

/**
 * Middleware: the headers of every response. No sniffing, no referrer, no caching of what a key has read, and for data a policy
 * under which a browser runs nothing. Routes may set their own Content-Security-Policy and Cache-Control.
 */
export function responseHeaders(limits: Limits, trustedProxies: number): MiddlewareHandler<AppEnv> {
  const policy = rateLimitPolicy(limits);
  return async function setResponseHeaders(c, next) {
    await next();
    const { headers } = c.res;
    headers.set("x-request-id", c.get("requestId"));
    headers.set("x-content-type-options", "nosniff");
    headers.set("referrer-policy", "no-referrer");
    if (!isPage(headers)) {
      if (!headers.has("content-security-policy")) headers.set("content-security-policy", DATA_POLICY);
      if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    }
    if (isHttps(c.req.url, trustedProxies > 0 ? c.req.header("x-forwarded-proto") : undefined))
      headers.set("strict-transport-security", `max-age=${HSTS_MAX_AGE_S}`);
    const rateLimit = c.get("rateLimit");
    if (rateLimit === undefined) return;
    headers.set("ratelimit-policy", policy);
    headers.set("ratelimit", rateLimit);
  };
}

function isPage(headers: Headers): boolean {
  return headers.get("content-type")?.startsWith("text/html") ?? false;
}

/** X-Forwarded-Proto counts only where proxies are trusted; the last proxy wrote its last entry. */
function isHttps(url: string, forwardedProto: string | undefined): boolean {
  return url.startsWith("https:") || forwardedProto?.split(",").at(-1)?.trim() === "https";
}

/** Middleware: puts JSON from the database that was not parsed into the response (see StoredJson). */
export const writeStoredJson: MiddlewareHandler<AppEnv> = async function writeStoredJson(c, next) {
  await next();
  if (c.get("isStreamed") === true || !mayHoldStoredJson()) return;
  const { res } = c;
  if (!res.headers.get("content-type")?.startsWith("application/json")) return;
  // Else Hono would copy the response, to add the headers of the one that it replaces.
  c.res = undefined;
  c.res = new Response(withStoredJson(await res.text()), res);
};

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
  const samples = new Map<string | undefined, Map<number, (nowMs: number) => boolean>>();

  return function isSampled(route: string | undefined, status: number, nowMs: number): boolean {
    const ofRoute = samples.get(route) ?? new Map<number, (nowMs: number) => boolean>();
    samples.set(route, ofRoute);
    const sample = ofRoute.get(status) ?? createSample(LOG_LINES_PER_S);
    ofRoute.set(status, sample);
    return sample(nowMs);
  };
}

/** Says yes to the first `perS` of each second, by the milliseconds of a clock that never goes back. */
export function createSample(perS: number): (nowMs: number) => boolean {
  let second = -1;
  let count = 0;

  return function isSampled(nowMs) {
    const current = Math.floor(nowMs / 1000);
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
