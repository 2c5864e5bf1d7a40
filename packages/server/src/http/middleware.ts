import type { MiddlewareHandler } from "hono";
import { mayHoldStoredJson, withStoredJson } from "../json/stored-json.ts";
import type { Limits } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import { rateLimitPolicy } from "./rate-limits.ts";
import type { AppEnv } from "./request-context.ts";

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
  if (!mayHoldStoredJson()) return;
  const { res } = c;
  if (!res.headers.get("content-type")?.startsWith("application/json")) return;
  // Else Hono would copy the response, to add the headers of the one that it replaces.
  c.res = undefined;
  c.res = new Response(withStoredJson(await res.text()), res);
};
