import type { KeyScope } from "@wharf/protocol";
import type { Context } from "hono";
import type { Actor } from "../db/edits/api-keys.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { ProblemError, RETRY_AFTER_S } from "./problem.ts";
import { type AppEnv, callerOf } from "./request-context.ts";

/** Lets in keys of these scopes and admin keys. Throws ProblemError 401, 403, 429, or 503 while the server is not ready. */
export async function admit(c: Context<AppEnv>, scopes: readonly KeyScope[]): Promise<void> {
  requireReady(c);
  const access = c.get("access");
  const caller = await access.authenticate(c);
  c.set("caller", caller);
  access.takeRequest(c, caller);
  if (caller.scope !== "admin" && !scopes.includes(caller.scope))
    throw forbidden(`A key with the scope ${scopes.join(" or ")} is required.`);
}

/** Throws ProblemError 503 while the server starts (tables may be missing) or drains. */
export function requireReady(c: Context<AppEnv>): void {
  const phase = c.get("phase");
  if (phase === "ready") return;
  const isDraining = phase === "draining";
  throw new ProblemError({
    status: 503,
    code: isDraining ? "SERVER_DRAINING" : "SERVER_STARTING",
    detail: isDraining ? "The server is shutting down. Retry." : "The server is starting. Retry.",
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}

/** Refuses with 403 when the caller's key is bound to another device. */
export function requireDevice(c: Context<AppEnv>, deviceId: string): void {
  const bound = callerOf(c).deviceId;
  if (bound !== null && bound !== withoutControlCharacters(deviceId))
    throw forbidden("This key is bound to another device_id.");
}

/** The caller as the audit names it. */
export function actorOf(c: Context<AppEnv>): Actor {
  const { keyId } = callerOf(c);
  return { actor: keyId === null ? "environment" : `key ${keyId}`, request_id: c.get("requestId") };
}

function forbidden(detail: string): ProblemError {
  return new ProblemError({ status: 403, code: "SCOPE_INSUFFICIENT", detail });
}
