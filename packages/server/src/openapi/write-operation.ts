import { PROBLEM_CONTENT_TYPE, problemSchema } from "@wharf/protocol";
import { z } from "zod";
import type { Operation, ResponseBody } from "../http/operation.ts";
import { SIGN_IN_COOKIE } from "../http/sign-in-cookie.ts";
import { createSchemaConverter, type JsonSchema, type SchemaConverter } from "./json-schema.ts";
import recordedResponses from "./recorded-responses.json" with { type: "json" };

export type Components = {
  schemas: Record<string, JsonSchema>;
  securitySchemes: Record<string, unknown>;
};

const JSON_TYPE = "application/json";
const RETRY_AFTER = {
  "Retry-After": { schema: { type: "integer" }, description: "Seconds to wait before retrying." },
};
const QUERY_PROBLEM = { 400: "Invalid query parameter." };
const BODY_PROBLEMS = {
  400: "Invalid body; `errors` points to each problem.",
  408: "Request body timeout.",
  413: "Request body too large.",
  415: "Unsupported content type or encoding.",
};
const KEY_PROBLEMS = {
  401: "Missing, unknown, revoked or expired key.",
  403: "Insufficient scope, or the key is bound to another device.",
  429: "Rate limit of the key exceeded, or too many wrong keys from this address.",
};
const PATH_PROBLEM = { 404: "Not found." };
/** Of a route without key and body. */
const PUBLIC_PROBLEM = { "4XX": "The request is rejected; the problem states the reason." };
const UNAVAILABLE = { 503: "Database unavailable, or the server is starting or shutting down. Retry." };
/** Recorded from the examples, by route. */
const recordedByRoute: Record<string, unknown> = recordedResponses;

/** A route with its operation. */
export type DescribedRoute = { method: string; path: string; operation: Operation };

export type OperationWriter = {
  convert: SchemaConverter["convert"];
  components: Components;
  write: (route: DescribedRoute) => Record<string, unknown>;
};

/** Writes operations; `components` collects the schemas that they name. */
export function createOperationWriter(): OperationWriter {
  const { convert, components } = createSchemaConverter();
  const problem = convert(problemSchema, "output");

  function write(route: DescribedRoute): Record<string, unknown> {
    const { operation } = route;
    const { tag, summary, description } = operation;
    return {
      operationId: operationIdOf(route),
      tags: [tag],
      summary,
      ...(description === undefined ? {} : { description }),
      security: securityOf(operation),
      parameters: [...pathParameters(route), ...queryParameters(operation)],
      ...requestBody(operation),
      responses: { ...responsesOf(route), ...problemsOf(route) },
    };
  }

  function queryParameters({ query, example }: Operation): unknown[] {
    return Object.entries(query?.shape ?? {}).map(([name, field]) => {
      const schema = convert(field, "output");
      const isList = schema["type"] === "array";
      return {
        name,
        in: "query",
        required: !z.safeParse(field, undefined).success,
        ...(isList ? { style: "form", explode: false } : {}),
        schema,
        ...exampleOf(exampleValue(example.query?.[name], schema)),
      };
    });
  }

  function requestBody({ body, isBodyOptional = false, rawBody, example }: Operation): object {
    const schema = body ?? rawBody?.schema;
    if (schema === undefined) return {};
    const [first, ...others] = rawBody?.contentTypes ?? [JSON_TYPE];
    const media = { schema: convert(schema, "input"), ...exampleOf(example.body) };
    const content = { [first]: media, ...Object.fromEntries(others.map((type) => [type, {}])) };
    return { requestBody: { required: !isBodyOptional, content } };
  }

  function responsesOf({ method, path, operation }: DescribedRoute): Record<string, unknown> {
    const recorded = recordedByRoute[`${method} ${path}`];
    const responses = Object.entries(operation.responses).map(([status, body]) => {
      const example = Number(status) === operation.example.status ? recorded : undefined;
      return [status, { description: DESCRIPTIONS[status] ?? "OK.", ...contentOf(body, example) }] as const;
    });
    return Object.fromEntries(responses);
  }

  function contentOf(body: ResponseBody, recorded: unknown): object {
    if (body === null) return {};
    if (!(body instanceof z.ZodType))
      return { content: { [body.contentType]: { schema: { type: "string" } } } };
    return { content: { [JSON_TYPE]: { schema: convert(body, "output"), ...exampleOf(recorded) } } };
  }

  function problemsOf(route: DescribedRoute): Record<string, unknown> {
    const content = { [PROBLEM_CONTENT_TYPE]: { schema: problem } };
    const problems = Object.entries(problemsByStatus(route)).map(([status, description]) => {
      const headers = status === "429" || status === "503" ? { headers: RETRY_AFTER } : {};
      return [status, { description, ...headers, content }] as const;
    });
    return Object.fromEntries(problems.filter(([status]) => !(status in route.operation.responses)));
  }

  return { write, convert, components: { schemas: components, securitySchemes: securitySchemes() } };
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  200: "OK.",
  201: "Created.",
  202: "Accepted.",
  204: "No content.",
  503: "Service unavailable.",
};

/** What its key, path, query and body imply, and the route's own. */
function problemsByStatus({ path, operation }: DescribedRoute): Record<string, string> {
  const hasKey = operation.scopes.length > 0;
  const hasBody = operation.body !== undefined || operation.rawBody !== undefined;
  return {
    ...(operation.query === undefined ? {} : QUERY_PROBLEM),
    ...(hasBody ? BODY_PROBLEMS : {}),
    ...(hasKey ? KEY_PROBLEMS : {}),
    ...(path.includes(":") ? PATH_PROBLEM : {}),
    ...(hasKey || hasBody ? UNAVAILABLE : PUBLIC_PROBLEM),
    ...operation.problems,
  };
}

function pathParameters({ path, operation }: DescribedRoute): unknown[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
    ...exampleOf(operation.example.path?.[name]),
  }));
}

/** A parameter's text as the value that its schema describes. */
function exampleValue(text: string | undefined, { type }: JsonSchema): unknown {
  if (text === undefined) return undefined;
  if (type === "array") return text.split(",");
  return type === "integer" || type === "number" ? Number(text) : text;
}

function exampleOf(value: unknown): { example?: unknown } {
  return value === undefined ? {} : { example: value };
}

/** Alternatives: one of the schemes is enough. A public route has none. */
function securityOf({ scopes }: Operation): unknown[] {
  if (scopes.length === 0) return [];
  return [...[...new Set([...scopes, "admin"])].map((scope) => `${scope}Key`), "signedIn"].map((name) => ({
    [name]: [],
  }));
}

function securitySchemes(): Record<string, unknown> {
  const scheme = (description: string) => ({ type: "http", scheme: "bearer", description });
  return {
    ingestKey: scheme("A key that writes events and sessions; optionally bound to one device."),
    readKey: scheme("A key that reads."),
    adminKey: scheme("A key that may call every route."),
    signedIn: {
      type: "apiKey",
      in: "cookie",
      name: SIGN_IN_COOKIE,
      description:
        "A browser that signed in with a read key or an admin key (POST /api/sign-in). Where the server's address has a port, the name ends in it: wharf_sign_in_8080.",
    },
  };
}

/** `get_api_sessions_by_id`: stable, and a valid identifier in most languages. */
function operationIdOf({ method, path }: DescribedRoute): string {
  const words = path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "by_$1").split(/[^A-Za-z0-9_]+/);
  return [method.toLowerCase(), ...words.filter((word) => word !== "")].join("_");
}
