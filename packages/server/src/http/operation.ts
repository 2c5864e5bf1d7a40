import { type KeyScope, pageSchema } from "@wharf/protocol";
import type { Context, Hono, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { z } from "zod";
import { scopeInsufficient } from "./caller.ts";
import { readJson, readOptionalJson } from "./json.ts";
import { ProblemError, RETRY_AFTER_S } from "./problem.ts";
import { readQuery } from "./query.ts";
import { type AppEnv, bodyOwner } from "./request-context.ts";

/** One route: who may call it, what it takes and what it returns. Checked for each request, and written to the OpenAPI document. */
export type Operation<Query extends z.ZodObject = z.ZodObject, Body extends JsonBody = JsonBody> = {
  /** Scopes of the keys that may call it; admin keys always may. Empty: a public route, open without a key. */
  scopes: readonly KeyScope[];
  tag: string;
  summary: string;
  description?: string;
  query?: Query;
  /** A JSON body, which the handler gets from `c.req.valid("json")`. */
  body?: Body;
  /** The body may be omitted, which means `{}`. */
  isBodyOptional?: boolean;
  /** A body that the handler reads by itself. */
  rawBody?: { schema: z.ZodType; contentTypes: readonly [string, ...string[]] };
  responses: Readonly<Record<number, ResponseBody>>;
  /** Error statuses of this route alone. Those that its key, path, query and body imply are added to the document. */
  problems?: Readonly<Record<number, string>>;
  example: Example;
};

type JsonBody = z.ZodType<object>;

/** The schema of a response's JSON, another content type, or null for an empty body. */
export type ResponseBody = z.ZodType | { contentType: string } | null;

/** A complete request; the tests send it to a database that holds the rows that it names. */
export type Example = {
  path?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  status: number;
};

/** A route of an app; `operation` is null when the route declares none. */
export type Route = { method: string; path: string; operation: Operation | null };

const operations = new WeakMap<object, Operation>();

/**
 * Middleware: the first handler of every route. Checks the key, then the query and the body; the handler reads them by
 * `callerOf(c)`, `c.req.valid("query")` and `c.req.valid("json")`. Throws ProblemError 400, 401, 403, 408, 413, 415, 429 or 503.
 */
export function operation<
  Query extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Body extends JsonBody = z.ZodObject<Record<never, never>>,
>(
  definition: Operation<Query, Body>,
): MiddlewareHandler<AppEnv, string, { out: { query: z.infer<Query>; json: z.infer<Body> } }> {
  const { scopes, query, body, isBodyOptional = false } = definition;
  const readBody = isBodyOptional ? readOptionalJson : readJson;

  const checkRequest: MiddlewareHandler<AppEnv> = async function checkRequest(c, next) {
    c.set("route", routePath(c));
    if (scopes.length > 0) await admit(c, scopes);
    if (query !== undefined) c.req.addValidatedData("query", readQuery(c, query));
    if (body !== undefined) c.req.addValidatedData("json", await readBody(c, body));
    await (isLimitedRead(c) ? c.get("inReadTurn")(bodyOwner(c), c.req.raw, next) : next());
  };

  operations.set(checkRequest, definition);
  return checkRequest;
}

/** Lets in keys of these scopes and admin keys. Throws ProblemError 401, 403, 429, or 503 while the server is not ready. */
async function admit(c: Context<AppEnv>, scopes: readonly KeyScope[]): Promise<void> {
  requireReady(c);
  const access = c.get("access");
  const caller = await access.authenticate(c);
  c.set("caller", caller);
  access.takeRequest(c, caller);
  if (caller.scope !== "admin" && !scopes.includes(caller.scope))
    throw scopeInsufficient(`A key with the scope ${scopes.join(" or ")} is required.`);
}

/** Throws ProblemError 503 while the server starts (tables may be missing) or drains. */
export function requireReady(c: Context<AppEnv>): void {
  const phase = c.get("phase");
  if (phase === "ready") return;
  const isDraining = phase === "draining";
  throw new ProblemError({
    status: 503,
    code: isDraining ? "SERVER_DRAINING" : "SERVER_STARTING",
    detail: isDraining ? "The server is shutting down. Retry." : "The server is starting. Retry.",
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}

/** A GET request with a key; admin keys have no limit of concurrent reads. */
function isLimitedRead(c: Context<AppEnv>): boolean {
  const caller = c.get("caller");
  return c.req.method === "GET" && caller !== undefined && caller.scope !== "admin";
}

/** Every route of the app with its operation. */
export function routesOf(app: Hono<AppEnv>): Route[] {
  const routes = new Map<string, Route>();
  for (const { method, path, handler } of app.routes) {
    if (method === "ALL") continue;
    const route = routes.get(`${method} ${path}`) ?? { method, path, operation: null };
    route.operation ??= operations.get(handler) ?? null;
    routes.set(`${method} ${path}`, route);
  }
  return [...routes.values()];
}

/** Throws when a route declares no operation: it would be open to everyone. */
export function requireOperations(app: Hono<AppEnv>): void {
  const names = routesOf(app)
    .filter((route) => route.operation === null)
    .map((route) => `${route.method} ${route.path}`);
  if (names.length > 0) throw new Error(`These routes declare no operation(): ${names.join(", ")}`);
}

/** The response of a list: one page of items under `name`. */
export function pageResponse(name: string, item: z.ZodType): z.ZodType {
  return pageSchema.extend({ [name]: z.array(item) });
}

/** The response with one item under `name`. */
export function itemResponse(name: string, item: z.ZodType): z.ZodType {
  return z.object({ [name]: item });
}
