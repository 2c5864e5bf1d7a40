import { createBodyMemory } from "../http/body-memory.ts";
import type { Access, Exchange } from "../http/context.ts";
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
  isLiveCode: refuse,
  withoutAdminKey: refuse,
  forgetKeys: refuse,
};

/** For routes that are asked without the server around them: `app.request(path, init, newExchange(access))`. */
export function newExchange(access: Access): Exchange {
  return {
    requestId: "test-request",
    access,
    server: null,
    phase: "ready",
    caller: null,
    route: null,
    rateLimit: null,
    bodyMemory: createBodyMemory({ bytes_max: DEFAULT_LIMITS.body_memory_bytes, refusal: refuse }),
    bodyBytes: 0,
    isAnswered: false,
  };
}
