import type { KeyScope } from "@wharf/protocol";
import type { Context } from "hono";
import type { Bindings } from "./client-address.ts";

/** What middleware hands to routes. */
export type AppEnv = {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    access: Access;
    /** Who sent the request; there in every route that declares a scope. */
    caller: Caller;
    /** The pattern of the route that answered, for metrics; unset where none did. */
    route?: string;
    /** The value of the RateLimit header. */
    rateLimit?: string;
  };
};

/** Who sent a request. `keyId` is null for the admin key of the environment. */
export type Caller = { keyId: string | null; scope: KeyScope; deviceId: string | null };

export type Access = {
  /**
   * Who sent the request; a promise only where the database has to be asked, since awaiting costs every event that comes alone.
   * Throws ProblemError 401, or 429 after too many failures from one address.
   */
  authenticate(c: Context<AppEnv>): Caller | Promise<Caller>;
  /** Throws ProblemError 429 when the caller's key has used up its requests or events. Admin keys have no limit. */
  takeRequest(c: Context<AppEnv>, caller: Caller): void;
  takeEvents(c: Context<AppEnv>, count: number): void;
  /**
   * For a secret other than a key, before anything is awaited: counts a failure beforehand, which the function that comes back
   * takes off again. Throws ProblemError 429 when the sender has failed too often.
   */
  takeAttempt(c: Context<AppEnv>): () => void;
  /** Keys were changed by this process: they are looked up again. */
  forgetKeys(): void;
};

export type RefusalReason = "authentication" | "requests" | "events";
