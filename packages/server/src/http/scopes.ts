import type { KeyScope } from "@wharf/protocol";
import type { Context, Hono, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Actor } from "../db/edits/api-keys.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { type AppEnv, bodyOwner, callerOf } from "./context.ts";
import { ProblemError, RETRY_AFTER_S } from "./problem.ts";
import { inTurn } from "./read-turns.ts";

type Declared = readonly KeyScope[];

/** What each guard declares, so that a list of routes can say which scopes each of them takes. */
const declarations = new WeakMap<object, Declared>();

/**
 * Middleware: lets in keys of these scopes, and admin keys. Every route but a public one has exactly one, as its first handler:
 * `routes.get("/", requireScope("read"), function getThings(c) { … })`. `callerOf(c)` is known behind it.
 */
export function requireScope(...scopes: [KeyScope, ...KeyScope[]]): MiddlewareHandler<AppEnv> {
  const allowed = new Set<KeyScope>([...scopes, "admin"]);

  const checkScope: MiddlewareHandler<AppEnv> = async function checkScope(c, next) {
    c.set("route", routePath(c));
    requireReady(c);
    const access = c.get("access");
    const caller = await access.authenticate(c);
    c.set("caller", caller);
    access.takeRequest(c, caller);
    if (!allowed.has(caller.scope))
      throw forbidden(`This needs a key with the scope ${scopes.join(" or ")}.`);
    const isLimited = c.req.method === "GET" && caller.scope !== "admin";
    await (isLimited ? inTurn(bodyOwner(c), c.req.raw, next) : next());
  };

  declarations.set(checkScope, scopes);
  return checkScope;
}

/** Before the migrations are through there may be no tables; while draining, nothing new is taken in. */
export function requireReady(c: Context<AppEnv>): void {
  const phase = c.get("phase");
  if (phase === "ready") return;
  const isDraining = phase === "draining";
  throw new ProblemError({
    status: 503,
    code: isDraining ? "SERVER_DRAINING" : "SERVER_STARTING",
    detail: isDraining ? "The server is shutting down: send again." : "The server is starting: send again.",
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}

/** Declares that a route needs no key, nor that the server is ready; one that asks the database says so (requireReady). */
export const publicRoute: MiddlewareHandler<AppEnv> = async function passEveryone(c, next) {
  c.set("route", routePath(c));
  await next();
};
declarations.set(publicRoute, []);

/** Refuses with 403 when the caller's key is bound to another device. */
export function requireDevice(c: Context<AppEnv>, deviceId: string): void {
  const bound = callerOf(c).deviceId;
  if (bound !== null && bound !== withoutControlCharacters(deviceId))
    throw forbidden("device_id is not the one this key is bound to.");
}

/** Whom the audit names for what the caller does. */
export function actorOf(c: Context<AppEnv>): Actor {
  const { keyId } = callerOf(c);
  return { actor: keyId === null ? "environment" : `key ${keyId}`, request_id: c.get("requestId") };
}

export type RouteScopes = { method: string; path: string; scopes: Declared | null };

/** Every route with the scopes that it declares: `[]` for a public one, null for one that declares nothing. */
export function routeScopes(app: Hono<AppEnv>): RouteScopes[] {
  const routes = new Map<string, RouteScopes>();
  for (const { method, path, handler } of app.routes) {
    if (method === "ALL") continue;
    const route = routes.get(`${method} ${path}`) ?? { method, path, scopes: null };
    route.scopes ??= declarations.get(handler) ?? null;
    routes.set(`${method} ${path}`, route);
  }
  return [...routes.values()];
}

/** Throws when a route declares no scope: it would be open to everyone. */
export function requireDeclaredScopes(app: Hono<AppEnv>): void {
  const open = routeScopes(app).filter((route) => route.scopes === null);
  if (open.length === 0) return;
  const names = open.map((route) => `${route.method} ${route.path}`).join(", ");
  throw new Error(`Every route declares its scope by requireScope or publicRoute, but not: ${names}`);
}

function forbidden(detail: string): ProblemError {
  return new ProblemError({ status: 403, code: "SCOPE_INSUFFICIENT", detail });
}
