import type { Access, Caller } from "./access.ts";
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
