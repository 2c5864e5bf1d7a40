import type { Access, Exchange } from "../http/context.ts";

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
  };
}
