import { PROBLEM_CONTENT_TYPE, problemSchema } from "@wharf/protocol";
import { z } from "zod";
import type { RouteScopes } from "../http/scopes.ts";
import { createSchemaConverter, type JsonSchema } from "./json-schema.ts";
import type { Answer, Operation } from "./operation.ts";
import recordedAnswers from "./recorded-answers.json" with { type: "json" };

export type Components = {
  schemas: Record<string, JsonSchema>;
  securitySchemes: Record<string, unknown>;
};

const JSON_TYPE = "application/json";
const RETRY_AFTER = {
  "Retry-After": { schema: { type: "integer" }, description: "Seconds to wait before sending again." },
};
const BODY_REFUSALS = {
  400: "The body does not match the schema: `errors` points to each problem.",
  408: "The body did not arrive in time.",
  413: "The body is larger than the limits say.",
  415: "The content type or encoding is not supported.",
};
const KEY_REFUSALS = {
  401: "No key, or one that is unknown, revoked or expired.",
  403: "The key has another scope, or is bound to another device.",
  429: "The key sent too much, or the address too many wrong keys.",
};
/** Of a route that takes neither key nor body: nothing that the route itself looks at. */
const PUBLIC_REFUSAL = { "4XX": "The request is rejected; the problem states the reason." };
const AWAY = { 503: "The database is unavailable, or the server is starting or stopping: retry." };
/** Recorded from the examples: answers by route. */
const answersByRoute: Record<string, unknown> = recordedAnswers;

/** Writes operations; `components` fills with the schemas that they name. */
export function createOperationWriter() {
  const { convert, components } = createSchemaConverter();
  const problem = convert(problemSchema, "output");

  function write(route: RouteScopes, operation: Operation): Record<string, unknown> {
    const { tag, summary, description, body } = operation;
    return {
      operationId: operationIdOf(route),
      tags: [tag],
      summary,
      ...(description === undefined ? {} : { description }),
      security: securityOf(route),
      parameters: [...pathParameters(route, operation), ...queryParameters(operation)],
      ...(body === undefined ? {} : { requestBody: requestBody(operation, body) }),
      responses: { ...answersOf(route, operation), ...refusalsOf(route, operation) },
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

  function requestBody({ example }: Operation, body: NonNullable<Operation["body"]>): unknown {
    const media = { schema: convert(body.schema, "input"), ...exampleOf(example.body) };
    const [first = JSON_TYPE, ...others] = body.contentTypes ?? [JSON_TYPE];
    const content = { [first]: media, ...Object.fromEntries(others.map((type) => [type, {}])) };
    return { required: body.optional !== true, content };
  }

  function answersOf(route: RouteScopes, { answers, example }: Operation): Record<string, unknown> {
    const recorded = answersByRoute[`${route.method} ${route.path}`];
    const write = (status: string, answer: Answer) => ({
      description: DESCRIPTIONS[status] ?? "Done.",
      ...contentOf(answer, Number(status) === example.status ? recorded : undefined),
    });
    return Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, write(status, answer)]),
    );
  }

  function contentOf(answer: Answer, recorded: unknown): object {
    if (answer === null) return {};
    if (!(answer instanceof z.ZodType))
      return { content: { [answer.contentType]: { schema: { type: "string" } } } };
    return { content: { [JSON_TYPE]: { schema: convert(answer, "output"), ...exampleOf(recorded) } } };
  }

  function refusalsOf(route: RouteScopes, operation: Operation): Record<string, unknown> {
    const answered = new Set(Object.keys(operation.answers));
    const refusals = Object.entries(refusalsByStatus(route, operation)).filter(
      ([status]) => !answered.has(status),
    );
    const content = { [PROBLEM_CONTENT_TYPE]: { schema: problem } };
    return Object.fromEntries(
      refusals.map(([status, description]) => [
        status,
        { description, ...(status === "429" || status === "503" ? { headers: RETRY_AFTER } : {}), content },
      ]),
    );
  }

  return { write, convert, components: { schemas: components, securitySchemes: securitySchemes() } };
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  200: "The answer.",
  201: "Created.",
  202: "Accepted.",
  204: "Done; there is nothing to say.",
  503: "Service unavailable.",
};

function refusalsByStatus({ path, scopes }: RouteScopes, operation: Operation): Record<string, string> {
  const hasKey = (scopes ?? []).length > 0;
  return {
    ...(operation.query === undefined ? {} : { 400: "A parameter does not match its schema." }),
    ...(operation.body === undefined ? {} : BODY_REFUSALS),
    ...(hasKey ? KEY_REFUSALS : {}),
    ...(path.includes(":") ? { 404: "There is no such thing." } : {}),
    ...(hasKey || operation.body !== undefined ? AWAY : PUBLIC_REFUSAL),
    ...operation.refusals,
  };
}

function pathParameters({ path }: RouteScopes, { example }: Operation): unknown[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
    ...exampleOf(example.path?.[name]),
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

/** One of the schemes is enough; a public route needs none. */
function securityOf({ scopes }: RouteScopes): unknown[] {
  if (scopes === null || scopes.length === 0) return [];
  return [...new Set([...scopes, "admin"])].map((scope) => ({ [`${scope}Key`]: [] }));
}

function securitySchemes(): Record<string, unknown> {
  const scheme = (description: string) => ({ type: "http", scheme: "bearer", description });
  return {
    ingestKey: scheme("A key that writes events and sessions; it may be bound to one device."),
    readKey: scheme("A key that reads."),
    adminKey: scheme("A key that may do everything."),
  };
}

/** `get_api_sessions_by_id`: stable, and a name in every language. */
function operationIdOf({ method, path }: RouteScopes): string {
  const words = path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "by_$1").split(/[^A-Za-z0-9_]+/);
  return [method.toLowerCase(), ...words.filter((word) => word !== "")].join("_");
}
