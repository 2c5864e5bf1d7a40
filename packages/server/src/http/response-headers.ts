import type { MiddlewareHandler } from "hono";
import type { Limits } from "../limits.ts";
import { rateLimitPolicy } from "./rate-limits.ts";
import type { AppEnv } from "./request-context.ts";

const HSTS_MAX_AGE_S = 365 * 24 * 60 * 60;
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

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
