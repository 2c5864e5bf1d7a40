import type { Route } from "../http/operation.ts";
import { VERSION } from "../version.ts";
import { payloadComponents, withPayloads } from "./payloads.ts";
import { type Components, createOperationWriter } from "./write-operation.ts";

export type OpenApiDocument = {
  openapi: string;
  info: {
    title: string;
    version: string;
    description: string;
    license: { name: string; identifier: string };
  };
  servers: { url: string }[];
  paths: Record<string, Record<string, unknown>>;
  components: Components;
};

const DESCRIPTION = `Stores sessions and events of many devices in one Postgres database.

Send a key as \`Authorization: Bearer <key>\`. Each key has a scope; admin keys may call every route.
Lists are paginated: \`next_cursor\` is null on the last page, and \`has_more\` tells whether there is another one. Pages of large rows contain fewer than \`limit\` items. Cursors are opaque and valid only with the same filters.
Unknown query parameters are ignored, so that newer clients can use older servers; one that resembles a parameter of the route is refused. Unknown fields of settings are refused.
Errors are \`application/problem+json\` with a stable \`code\`. Responses with 429 and 503 have a Retry-After header.`;

/** The API as OpenAPI 3.1. */
export function createDocument(routes: readonly Route[]): OpenApiDocument {
  const { write, convert, components } = createOperationWriter();
  const paths: OpenApiDocument["paths"] = {};
  for (const { method, path: pattern, operation } of routes) {
    if (operation === null) continue;
    const path = templateOf(pattern);
    paths[path] = { ...paths[path], [method.toLowerCase()]: write({ method, path: pattern, operation }) };
  }
  const { schemas, securitySchemes } = components;
  const { Event = {}, ...others } = schemas;
  return {
    openapi: "3.1.1",
    info: {
      title: "Wharf",
      version: VERSION,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: { Event: withPayloads(Event), ...others, ...payloadComponents(convert) },
      securitySchemes,
    },
  };
}

/** `/things/:id{.+}` as `/things/{id}`. */
export function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
}
