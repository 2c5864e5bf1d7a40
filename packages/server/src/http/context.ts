import type { KeyScope } from "@wharf/protocol";
import type { Context } from "hono";
import type { Phase } from "../readiness.ts";
import type { BodyMemory } from "./body-memory.ts";
import type { RequestAddresses } from "./client-address.ts";
import type { ProblemError } from "./problem.ts";

/** Hono hands one exchange to all that take part in it, as `c.env`. */
export type AppEnv = { Bindings: Exchange };

/** A request on the way to its answer. One object, since Hono's variables are a Map, made for every event that comes alone. */
export type Exchange = {
  requestId: string;
  access: Access;
  /** A request without a port has none. */
  server: RequestAddresses | null;
  /** Of the server when the request came. */
  phase: Phase;
  /** Who sent the request; null before the guard of its route, and in public ones (see callerOf). */
  caller: Caller | null;
  /** The pattern of the route that answered, for metrics; null where none did. */
  route: string | null;
  /** The value of the RateLimit header; null where nothing is limited. */
  rateLimit: string | null;
  bodyMemory: BodyMemory;
  /** What the request's body has taken of it, to be given back with the response. */
  bodyBytes: number;
  /** The response is made: what still arrives of the body is no longer counted, and must not be kept. */
  isAnswered: boolean;
};

/** Counts further bytes of the request's body. Throws OverloadError when the process holds too many. */
export function takeBodyBytes({ env }: Context<AppEnv>, bytes: number): void {
  if (env.isAnswered) throw new Error("a body went on after its request was answered");
  env.bodyMemory.take(bodyOwner(env), env.bodyBytes, bytes);
  env.bodyBytes += bytes;
}

export function giveBackBody(exchange: Exchange): void {
  exchange.isAnswered = true;
  if (exchange.bodyBytes === 0) return;
  exchange.bodyMemory.giveBack(bodyOwner(exchange), exchange.bodyBytes);
  exchange.bodyBytes = 0;
}

/** Null: senders without a key, who have a share together. */
export function bodyOwner({ caller }: Exchange): string | null {
  return caller === null ? null : (caller.keyId ?? "environment");
}

/** Who sent a request. `keyId` is null for the admin key of the environment. */
export type Caller = { keyId: string | null; scope: KeyScope; deviceId: string | null };

export type Access = {
  /**
   * Who sent the request; a promise only where the database has to be asked, since awaiting costs every event that comes alone.
   * Throws ProblemError 401, or 429 after too many failures from one address; never for a valid key.
   */
  authenticate(c: Context<AppEnv>): Caller | Promise<Caller>;
  /** Throws ProblemError 429 when the caller's key has used up its requests or events. Admin keys have no limit. */
  takeRequest(c: Context<AppEnv>, caller: Caller): void;
  takeEvents(c: Context<AppEnv>, count: number): void;
  /** As takeEvents, before anything is known of the events: takes none. */
  requireEvents(c: Context<AppEnv>): void;
  /**
   * Counts a wrong key or code of the sender. Answers with what to throw: `problem`, or a 429 once the sender has failed too often.
   */
  countFailure(c: Context<AppEnv>, problem: ProblemError): ProblemError;
  /** Whether an enrolment code with this hash can be used. */
  isLiveCode(hash: string): Promise<boolean>;
  /** Text for a log, without the admin key of the environment or of the data folder, which has no form of its own. */
  withoutAdminKey(text: string): string;
  /** Keys were changed by this process: they are looked up again. */
  forgetKeys(): void;
};

export type RefusalReason = "authentication" | "requests" | "events" | "body_memory" | "response_memory";

/** Who sent the request: known behind a guard that asks for a scope. */
export function callerOf(c: { env: { caller: Caller | null } }): Caller {
  if (c.env.caller === null) throw new Error("a route without a guard asked who sent its request");
  return c.env.caller;
}
