import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { PAGE_POLICY } from "../http/page.ts";
import { publicRoute, type RouteScopes } from "../http/scopes.ts";
import { createDocument } from "../openapi/document.ts";
import { referencePage } from "../openapi/reference-page.ts";

/** GET /docs: the API's document as a page for people. Made when it is first asked for. */
export function referenceRoutes(routes: () => readonly RouteScopes[]) {
  const own = new Hono<AppEnv>();
  let page: string | undefined;

  own.get("/", publicRoute, function getReference(c) {
    page ??= referencePage(createDocument(routes()));
    return c.html(page, 200, {
      "content-security-policy": PAGE_POLICY,
      "cache-control": "public, max-age=300",
    });
  });

  return own;
}
