import type { KeyScope } from "@wharf/protocol";
import type { Context, Handler, Hono, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Actor } from "../db/edits/api-keys.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { type AppEnv, type Caller, callerOf } from "./context.ts";
import { ProblemError, RETRY_AFTER_S } from "./problem.ts";

/** Method and path of routes without parameters, whose pattern is the path itself: Hono makes a list of all handlers to find it. */
const fixedRoutes = new Set<string>();

type Declared = readonly KeyScope[];
type Answer = (c: Context<AppEnv>) => Promise<Response>;

/** What each guard declares, so that a list of routes can say which scopes each of them takes. */
const declarations = new WeakMap<object, Declared>();

/**
 * Lets in keys of these scopes, and admin keys. Every route but a public one has exactly one, as its first handler:
 * `routes.get("/", requireScope("read"), function getThings(c) { … })`. `callerOf(c)` is known behind it.
 */
export function requireScope(...scopes: [KeyScope, ...KeyScope[]]): MiddlewareHandler<AppEnv> {
  const guard = createGuard(scopes);
  declarations.set(guard, scopes);
  return guard;
}

/** As requireScope and the route's handler, in one: what Hono puts between two costs every event that comes alone 2 µs. */
export function answerScope(scope: KeyScope, answer: Answer): Handler<AppEnv> {
  const guard = createGuard([scope]);
  const handler: Handler<AppEnv> = (c) => guard(c, () => answer(c));
  declarations.set(handler, [scope]);
  return handler;
}

function createGuard(scopes: readonly KeyScope[]) {
  const allowed = new Set<KeyScope>([...scopes, "admin"]);

  /** No async function, and no promise for what is known: each costs every event that comes alone a microsecond. */
  function checkScope<Result>(c: Context<AppEnv>, next: () => Promise<Result>): Promise<Result> {
    c.env.route = routeOf(c);
    requireReady(c);
    const found = c.env.access.authenticate(c);
    return found instanceof Promise ? found.then((caller) => letIn(c, next, caller)) : letIn(c, next, found);
  }

  function letIn<Result>(c: Context<AppEnv>, next: () => Promise<Result>, caller: Caller): Promise<Result> {
    c.env.caller = caller;
    c.env.access.takeRequest(c, caller);
    if (!allowed.has(caller.scope))
      throw forbidden(`This needs a key with the scope ${scopes.join(" or ")}.`);
    return next();
  }

  return checkScope;
}

/** Before the migrations are through there may be no tables; while draining, nothing new is taken in. */
export function requireReady({ env: { phase } }: Context<AppEnv>): void {
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
  c.env.route = routeOf(c);
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
  return { actor: keyId === null ? "environment" : `key ${keyId}`, request_id: c.env.requestId };
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

function routeOf(c: Context<AppEnv>): string {
  const { method, path } = c.req;
  const name = `${method} ${path}`;
  if (fixedRoutes.has(name)) return path;
  const route = routePath(c);
  if (route === path) fixedRoutes.add(name);
  return route;
}

function forbidden(detail: string): ProblemError {
  return new ProblemError({ status: 403, code: "SCOPE_INSUFFICIENT", detail });
}
