import type { Context } from "hono";
import type { Limits } from "../limits.ts";
import type { Access, RefusalReason } from "./access.ts";
import { type Caller, callerOf } from "./caller.ts";
import { ProblemError } from "./problem.ts";
import type { AppEnv } from "./request-context.ts";
import { createTokenBuckets, type Taken } from "./token-buckets.ts";

export type RateLimitOptions = {
  limits: Limits;
  now: () => number;
  onRefusal?: (reason: RefusalReason) => void;
};

/** Limits the requests and events per second of each key in this process. RateLimit headers show the remaining quota. */
export function createRateLimits(
  options: RateLimitOptions,
): Pick<Access, "takeRequest" | "takeEvents" | "requireEvents"> {
  const { limits, now, onRefusal } = options;
  const bucketsOf = (perS: number) => createTokenBuckets({ capacity: perS, refillPerS: perS, now });
  const requests = bucketsOf(limits.key_requests_per_s);
  const events = bucketsOf(limits.key_events_per_s);

  function takeRequest(c: Context<AppEnv>, caller: Caller): void {
    if (caller.scope === "admin" || caller.keyId === null) return;
    const taken = requests.take(caller.keyId, 1);
    c.set("rateLimit", headerItem("requests", taken));
    if (!taken.ok) refuse("requests", limits.key_requests_per_s, taken);
  }

  function takeEvents(c: Context<AppEnv>, count: number): void {
    const caller = callerOf(c);
    if (caller.scope === "admin" || caller.keyId === null) return;
    const taken = events.take(caller.keyId, count);
    c.set("rateLimit", `${c.get("rateLimit") ?? ""}, ${headerItem("events", taken)}`);
    if (!taken.ok) refuse("events", limits.key_events_per_s, taken);
  }

  function requireEvents(c: Context<AppEnv>): void {
    const caller = callerOf(c);
    if (caller.scope === "admin" || caller.keyId === null) return;
    const taken = events.take(caller.keyId, 0);
    if (taken.ok) return;
    c.set("rateLimit", `${c.get("rateLimit") ?? ""}, ${headerItem("events", taken)}`);
    refuse("events", limits.key_events_per_s, taken);
  }

  function refuse(what: "requests" | "events", perS: number, { retryAfter_s }: Taken): never {
    onRefusal?.(what);
    throw new ProblemError({
      status: 429,
      code: "RATE_LIMITED",
      detail: `Rate limit exceeded: this key may send ${perS} ${what} per second. Retry after the time in Retry-After.`,
      headers: { "retry-after": String(retryAfter_s) },
    });
  }

  return { takeRequest, takeEvents, requireEvents };
}

/** The RateLimit-Policy header that belongs to the RateLimit headers. */
export function rateLimitPolicy(limits: Limits): string {
  return `"requests";q=${limits.key_requests_per_s};w=1, "events";q=${limits.key_events_per_s};w=1`;
}

function headerItem(name: string, { remaining, retryAfter_s }: Taken): string {
  return `"${name}";r=${remaining};t=${retryAfter_s}`;
}
