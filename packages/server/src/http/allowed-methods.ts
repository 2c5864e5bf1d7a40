import type { Hono } from "hono";
import type { AppEnv } from "./context.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/** What middleware is registered for. */
const EVERY_METHOD = "ALL";

/** The methods that `path` has a route for; empty where no route has this path. A GET route answers HEAD as well. */
export function allowedMethods(app: Hono<AppEnv>, path: string): string[] {
  const found = METHODS.filter((method) => hasRoute(app, method, path));
  return found.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
}

function hasRoute(app: Hono<AppEnv>, method: string, path: string): boolean {
  const [matched] = app.router.match(method, path);
  return matched.some(([[, route]]) => route.method !== EVERY_METHOD);
}
