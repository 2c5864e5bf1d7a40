import { Hono } from "hono";
import { PAGE_POLICY } from "../http/html-page.ts";
import { operation, type Route } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import { createDocument } from "../openapi/document.ts";
import { referencePage } from "../openapi/reference-page.ts";

const reference = operation({
  scopes: [],
  tag: "Server",
  summary: "This OpenAPI document as an HTML page",
  responses: { 200: { contentType: "text/html" } },
  example: { status: 200 },
});

/** GET /docs: the OpenAPI document as a page. Created at the first request. */
export function referenceRoutes(routes: () => readonly Route[]): Hono<AppEnv> {
  const own = new Hono<AppEnv>();
  let page: string | undefined;

  own.get("/", reference, function getReference(c) {
    page ??= referencePage(createDocument(routes()));
    return c.html(page, 200, {
      "content-security-policy": PAGE_POLICY,
      "cache-control": "public, max-age=300",
    });
  });

  return own;
}
