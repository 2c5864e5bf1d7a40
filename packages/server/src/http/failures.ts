import type { ErrorHandler, Hono, NotFoundHandler } from "hono";
import type { Logger } from "../logger.ts";
import { INTERNAL, type ProblemOptions, problemOf, problemResponse } from "./problem.ts";
import type { AppEnv } from "./request-context.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/** The method under which Hono registers middleware. */
const EVERY_METHOD = "ALL";

const ROUTE_UNKNOWN: ProblemOptions = {
  status: 404,
  code: "ROUTE_UNKNOWN",
  detail: "Route not found. GET /api/openapi.json lists all routes.",
};

/** Every error of a route or middleware as a problem; unexpected ones are logged and answered with 500. */
export function answerError(logger: Logger): ErrorHandler<AppEnv> {
  return function respondWithProblem(error, c) {
    const requestId = c.get("requestId");
    const problem = problemOf(error);
    if (problem === null) logger.error({ err: error, request_id: requestId }, "unexpected error");
    return problemResponse(c.req.path, requestId, problem ?? INTERNAL);
  };
}

/** 404 for an unknown path, 405 with Allow for a known one. */
export function answerUnknownRoute(app: Hono<AppEnv>): NotFoundHandler<AppEnv> {
  return function respondNotFound(c) {
    const { path } = c.req;
    const allowed = allowedMethods(app, path);
    const problem = allowed.length === 0 ? ROUTE_UNKNOWN : methodRefused(allowed);
    return problemResponse(path, c.get("requestId"), problem);
  };
}

/** The methods that `path` has a route for; empty where no route has this path. A GET route answers HEAD as well. */
function allowedMethods(app: Hono<AppEnv>, path: string): string[] {
  const found = METHODS.filter((method) => hasRoute(app, method, path));
  return found.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
}

function hasRoute(app: Hono<AppEnv>, method: string, path: string): boolean {
  const [matched] = app.router.match(method, path);
  return matched.some(([[, route]]) => route.method !== EVERY_METHOD);
}

function methodRefused(allowed: readonly string[]): ProblemOptions {
  const allow = allowed.join(", ");
  return {
    status: 405,
    code: "METHOD_NOT_ALLOWED",
    detail: `Method not allowed for this path. Allowed: ${allow}.`,
    headers: { allow },
  };
}
