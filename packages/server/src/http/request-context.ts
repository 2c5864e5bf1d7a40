import type { Context, MiddlewareHandler } from "hono";
import { OverloadError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { Phase, Readiness } from "../readiness.ts";
import type { Access } from "./access.ts";
import { type BodyMemory, createBodyMemory } from "./body-memory.ts";
import type { Caller } from "./caller.ts";
import type { RequestAddresses } from "./client-address.ts";
import { createReadTurns, type InReadTurn } from "./read-turns.ts";

/** What Hono knows of a request: `c.get("requestId")`, `c.env.requestIP`. */
export type AppEnv = {
  /** Bun's server; a request without a port has none. */
  Bindings: Partial<RequestAddresses>;
  Variables: RequestVariables;
};

/** Set by `requestContext`; the optional ones by `operation`. */
export type RequestVariables = {
  requestId: string;
  access: Access;
  limits: Limits;
  /** Of the server when the request arrived. */
  phase: Phase;
  bodyUse: BodyUse;
  inReadTurn: InReadTurn;
  /** Who sent the request (see callerOf). Not set in public routes. */
  caller?: Caller;
  /** The pattern of the matched route, for metrics and the log. */
  route?: string;
  /** The response is a stream that bounds its own memory. */
  isStreamed?: boolean;
  /** The value of the RateLimit header. */
  rateLimit?: string;
};

/** The bytes of one request's body that are held in `memory`. */
export type BodyUse = { memory: BodyMemory; bytes: number; isReleased: boolean };

/** Counts further bytes of the request's body. Throws OverloadError when the process holds too many. */
export function takeBodyBytes(c: Context<AppEnv>, bytes: number): void {
  const use = c.get("bodyUse");
  if (use.isReleased) throw new Error("the body continued after the response was made");
  use.memory.take(bodyOwner(c), use.bytes, bytes);
  use.bytes += bytes;
}

/** Releases all bytes of the request's body; later bytes are refused. */
function releaseBodyBytes(c: Context<AppEnv>): void {
  const use = c.get("bodyUse");
  use.isReleased = true;
  if (use.bytes === 0) return;
  use.memory.giveBack(bodyOwner(c), use.bytes);
  use.bytes = 0;
}

/** Null: senders without a key, who share one allowance. */
export function bodyOwner(c: Context<AppEnv>): string | null {
  const caller = c.get("caller");
  return caller === undefined ? null : (caller.keyId ?? "environment");
}

export type RequestContextOptions = {
  access: Access;
  limits: Limits;
  metrics: ServerMetrics;
  readiness: Readiness;
};

/** A UUID; keys are longer, except an admin key of the environment, which may have 32 characters. */
const REQUEST_ID_PATTERN = /^(?!.*wharf_)[A-Za-z0-9_-]{8,36}$/i;

/** Middleware: sets the variables that every route and the other middleware read. */
export function requestContext(options: RequestContextOptions): MiddlewareHandler<AppEnv> {
  const { access, limits, metrics, readiness } = options;
  const memory = createBodyMemory({
    bytes_max: limits.body_memory_bytes,
    refusal: () => {
      metrics.refusals.add(1, "body_memory");
      return bodyMemoryFull();
    },
  });

  const inReadTurn = createReadTurns();

  return async function setRequestContext(c, next) {
    c.set("requestId", requestIdOf(c.req.header("x-request-id"), access));
    c.set("access", access);
    c.set("limits", limits);
    c.set("phase", readiness.phase());
    c.set("bodyUse", { memory, bytes: 0, isReleased: false });
    c.set("inReadTurn", inReadTurn);
    await next();
    releaseBodyBytes(c);
  };
}

function bodyMemoryFull(): OverloadError {
  return new OverloadError(
    "Memory for request bodies exhausted. Retry later, or send smaller requests.",
    "BODY_MEMORY_FULL",
  );
}

/** The client's own X-Request-Id where it is usable and is no key, else a new one. */
function requestIdOf(sent: string | undefined, { withoutAdminKey }: Access): string {
  if (sent === undefined || !REQUEST_ID_PATTERN.test(sent)) return crypto.randomUUID();
  return withoutAdminKey(sent) === sent ? sent : crypto.randomUUID();
}
