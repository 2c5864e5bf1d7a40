import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { publicRoute, type RouteScopes } from "../http/scopes.ts";
import { createDocument } from "../openapi/document.ts";

/**
 * GET /api/openapi.json: the API as OpenAPI 3.1. It needs no key, for it holds no data. Made when it is first asked for,
 * from every route that the app has by then.
 */
export function openApiRoutes(routes: () => readonly RouteScopes[]) {
  const own = new Hono<AppEnv>();
  let text: string | undefined;

  own.get("/", publicRoute, function getDocument(c) {
    text ??= JSON.stringify(createDocument(routes()));
    return c.body(text, 200, { "content-type": "application/json", "cache-control": "public, max-age=300" });
  });

  return own;
}
