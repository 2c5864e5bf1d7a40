import { Hono } from "hono";
import { z } from "zod";
import { operation, type Route } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import { createDocument } from "../openapi/document.ts";

const document = operation({
  scopes: [],
  tag: "Server",
  summary: "This OpenAPI document; public, since it contains no data",
  responses: { 200: z.looseObject({ openapi: z.string() }) },
  example: { status: 200 },
});

/** GET /api/openapi.json: created at the first request, from all routes of the app. */
export function openApiRoutes(routes: () => readonly Route[]): Hono<AppEnv> {
  const own = new Hono<AppEnv>();
  let text: string | undefined;

  own.get("/", document, function getDocument(c) {
    text ??= JSON.stringify(createDocument(routes()));
    return c.body(text, 200, { "content-type": "application/json", "cache-control": "public, max-age=300" });
  });

  return own;
}
