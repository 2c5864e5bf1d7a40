import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { publicRoute, type RouteScopes } from "../http/scopes.ts";
import { createDocument } from "../openapi/document.ts";
import { REFERENCE_STYLE, referencePage } from "../openapi/reference-page.ts";

/** The page runs no script and loads nothing: only its own style may apply. */
const POLICY = `default-src 'none'; style-src 'sha256-${digest(REFERENCE_STYLE)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** GET /docs: the API's document as a page for people. Made when it is first asked for. */
export function referenceRoutes(routes: () => readonly RouteScopes[]) {
  const own = new Hono<AppEnv>();
  let page: string | undefined;

  own.get("/", publicRoute, function getReference(c) {
    page ??= referencePage(createDocument(routes()));
    return c.html(page, 200, { "content-security-policy": POLICY, "cache-control": "public, max-age=300" });
  });

  return own;
}

function digest(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("base64");
}
