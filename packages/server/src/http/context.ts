import type { KeyScope } from "@wharf/protocol";
import type { Context } from "hono";
import type { Limits } from "../limits.ts";
import type { Phase } from "../readiness.ts";
import type { BodyMemory } from "./body-memory.ts";
import type { RequestAddresses } from "./client-address.ts";
import type { ProblemError } from "./problem.ts";

/** What Hono knows of a request: `c.get("requestId")`, `c.env.requestIP`. */
export type AppEnv = {
  /** Bun's server; a request without a port has none. */
  Bindings: Partial<RequestAddresses>;
  Variables: RequestVariables;
};

/** Set by the middleware of `request-context.ts`; the optional ones by the scope check of the route. */
export type RequestVariables = {
  requestId: string;
  access: Access;
  limits: Limits;
  /** Of the server when the request arrived. */
  phase: Phase;
  bodyUse: BodyUse;
  /** Who sent the request (see callerOf). Not set in public routes. */
  caller?: Caller;
  /** The pattern of the matched route, for metrics and the log. */
  route?: string;
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
export function releaseBodyBytes(c: Context<AppEnv>): void {
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

/** Who sent a request. `keyId` is null for the admin key of the environment. */
export type Caller = { keyId: string | null; scope: KeyScope; deviceId: string | null };

export type Access = {
  /** Throws ProblemError 401, or 429 after too many failures from one address; never for a valid key. */
  authenticate(c: Context<AppEnv>): Promise<Caller>;
  /** Throws ProblemError 429 when the caller's key has used up its requests or events. Admin keys have no limit. */
  takeRequest(c: Context<AppEnv>, caller: Caller): void;
  takeEvents(c: Context<AppEnv>, count: number): void;
  /** As takeEvents, before the number of events is known: takes none. */
  requireEvents(c: Context<AppEnv>): void;
  /** Counts a wrong key or code of the sender. Returns what to throw: `problem`, or a 429 after too many failures. */
  countFailure(c: Context<AppEnv>, problem: ProblemError): ProblemError;
  /** Whether an enrolment code with this hash can be used. */
  isLiveCode(hash: string): Promise<boolean>;
  /** Text for a log, without the admin key of the environment or of the data folder, which has no form of its own. */
  withoutAdminKey(text: string): string;
  /** Call after this process changed a key: cached keys are looked up again. */
  forgetKeys(): void;
};

export type RefusalReason = "authentication" | "requests" | "events" | "body_memory" | "response_memory";

/** Who sent the request. Throws in a public route. */
export function callerOf(c: Context<AppEnv>): Caller {
  const caller = c.get("caller");
  if (caller === undefined) throw new Error("callerOf needs a route with requireScope");
  return caller;
}
