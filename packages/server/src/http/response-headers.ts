import type { Limits } from "../limits.ts";
import type { Answered } from "./every-request.ts";
import { rateLimitPolicy } from "./rate-limits.ts";

const HSTS_MAX_AGE_S = 365 * 24 * 60 * 60;
const EVERY_ANSWER = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };
const EVERY_DATA_ANSWER = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
};
/** Copied whole by each answer that is made with them. */
const JSON_HEADERS = new Headers({
  "content-type": "application/json",
  ...EVERY_ANSWER,
  ...EVERY_DATA_ANSWER,
});

export type ResponseHeaderOptions = { limits: Limits; trustedProxies: number };

/** As c.json, with the headers that never differ: setting them one by one afterwards costs every event that comes alone 1.3 µs. */
export function jsonResponse(value: unknown, status: number): Response {
  return new Response(JSON.stringify(value), { status, headers: JSON_HEADERS });
}

/**
 * What every answer carries: its request's id, no sniffing, no referrer, no caching of what a key has read, and for data a
 * policy under which a browser runs nothing. Pages set a Content-Security-Policy of their own, which stays.
 * On the answer itself: c.header beforehand costs 4 µs a request.
 */
export function createResponseHeaders({ limits, trustedProxies }: ResponseHeaderOptions) {
  const policy = rateLimitPolicy(limits);
  return function addHeaders({ request, exchange, response }: Answered): void {
    const { headers } = response;
    headers.set("x-request-id", exchange.requestId);
    if (!headers.has("x-content-type-options")) addConstantHeaders(headers);
    if (isHttps(request.url, trustedProxies > 0 ? request.headers.get("x-forwarded-proto") : null))
      headers.set("strict-transport-security", `max-age=${HSTS_MAX_AGE_S}`);
    if (exchange.rateLimit === null) return;
    headers.set("ratelimit-policy", policy);
    headers.set("ratelimit", exchange.rateLimit);
  };
}

function addConstantHeaders(headers: Headers): void {
  for (const [name, value] of Object.entries(EVERY_ANSWER)) headers.set(name, value);
  if (isPage(headers)) return;
  for (const [name, value] of Object.entries(EVERY_DATA_ANSWER))
    if (!headers.has(name)) headers.set(name, value);
}

function isPage(headers: Headers): boolean {
  return headers.get("content-type")?.startsWith("text/html") ?? false;
}

/** What a proxy says of itself counts only where proxies are trusted; the last one wrote the last entry. */
function isHttps(url: string, forwardedProto: string | null): boolean {
  return url.startsWith("https:") || forwardedProto?.split(",").at(-1)?.trim() === "https";
}
