import type { KeyScope } from "@wharf/protocol";
import type { Context } from "hono";
import type { Actor } from "../db/edits/api-keys.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { ProblemError } from "./problem.ts";
import type { AppEnv } from "./request-context.ts";

/** Who sent a request. `keyId` is null for the admin key of the environment. */
export type Caller = {
  keyId: string | null;
  scope: KeyScope;
  deviceId: string | null;
  /** When the sign-in ends, for a browser with a cookie (milliseconds since 1970). */
  signedInUntil_ms?: number;
};

/** Who sent the request. Throws in a public route. */
export function callerOf(c: Context<AppEnv>): Caller {
  const caller = c.get("caller");
  if (caller === undefined) throw new Error("callerOf needs a route with a scope");
  return caller;
}

/** Refuses with 403 when the caller's key is bound to another device. */
export function requireDevice(c: Context<AppEnv>, deviceId: string): void {
  const bound = callerOf(c).deviceId;
  if (bound !== null && bound !== withoutControlCharacters(deviceId))
    throw scopeInsufficient("This key is bound to another device_id.");
}

/** The caller as the audit names it. */
export function actorOf(c: Context<AppEnv>): Actor {
  const { keyId } = callerOf(c);
  return { actor: keyId === null ? "environment" : `key ${keyId}`, request_id: c.get("requestId") };
}

export function scopeInsufficient(detail: string): ProblemError {
  return new ProblemError({ status: 403, code: "SCOPE_INSUFFICIENT", detail });
}
