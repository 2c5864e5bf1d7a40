import type { RouteScopes } from "../http/scopes.ts";
import { VERSION } from "../version.ts";
import type { Operations } from "./operation.ts";
import { operations } from "./operations/index.ts";
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

const DESCRIPTION = `Sessions and events of many devices, in one Postgres.

Keys are sent as \`Authorization: Bearer <key>\`; each has a scope, and an admin key may do everything.
Every list ends with \`next_cursor\` (null at its end) and \`has_more\`; a page of large rows has fewer than \`limit\`; a cursor is opaque and belongs to its filters.
Query parameters that a route does not know are ignored, so that a client of a later version is understood.
Every refusal is \`application/problem+json\` with a stable \`code\`. 429 and 503 carry Retry-After.`;

/** The API as OpenAPI 3.1, with every route that is described. */
export function createDocument(
  routes: readonly RouteScopes[],
  described: Operations = operations,
): OpenApiDocument {
  const { write, convert, components } = createOperationWriter();
  const paths: OpenApiDocument["paths"] = {};
  for (const route of routes) {
    const operation = described[`${route.method} ${route.path}`];
    if (operation === undefined) continue;
    const path = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: write(route, operation) };
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

/** Names of routes that are not described, and of descriptions that belong to no route: a test wants none of either. */
export function describedOtherwise(
  routes: readonly RouteScopes[],
  described: Operations = operations,
): string[] {
  const names = routes.map(({ method, path }) => `${method} ${path}`);
  return [...new Set(names).symmetricDifference(new Set(Object.keys(described)))];
}
