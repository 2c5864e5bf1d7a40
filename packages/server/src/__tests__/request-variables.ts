import type { MiddlewareHandler } from "hono";
import type { Access } from "../http/access.ts";
import { createBodyMemory } from "../http/body-memory.ts";
import { createReadTurns } from "../http/read-turns.ts";
import type { AppEnv, RequestVariables } from "../http/request-context.ts";
import { DEFAULT_LIMITS } from "../limits.ts";

function refuse(): never {
  throw new Error("this test has no keys, and small bodies");
}

/** For apps whose routes ask for no key. */
export const NO_ACCESS: Access = {
  authenticate: refuse,
  takeRequest: refuse,
  takeEvents: refuse,
  requireEvents: refuse,
  countFailure: refuse,
  callerOfKey: refuse,
  callerOfHash: refuse,
  isLiveLink: refuse,
  adminHash: null,
  isLiveCode: refuse,
  withoutAdminKey: refuse,
  forgetKeys: refuse,
};

/** Middleware for routes that are tested without the server around them. */
export function requestVariables(
  access: Access,
  others: Partial<RequestVariables> = {},
): MiddlewareHandler<AppEnv> {
  const memory = createBodyMemory({ bytes_max: DEFAULT_LIMITS.body_memory_bytes, refusal: refuse });
  const inReadTurn = createReadTurns();
  return async function setVariables(c, next) {
    c.set("requestId", "test-request");
    c.set("access", access);
    c.set("limits", DEFAULT_LIMITS);
    c.set("phase", others.phase ?? "ready");
    c.set("bodyUse", { memory, bytes: 0, isReleased: false });
    c.set("inReadTurn", inReadTurn);
    if (others.caller !== undefined) c.set("caller", others.caller);
    await next();
  };
}
