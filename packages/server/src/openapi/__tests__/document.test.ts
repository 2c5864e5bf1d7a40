import { expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { eventBatchSchema, eventSchema, payloadSchemas } from "@wharf/protocol";
import { Ajv2020 } from "ajv/dist/2020.js";
import { z } from "zod";
import { setupApp } from "../../__tests__/setup-app.ts";
import { routesOf } from "../../http/operation.ts";
import { operationOf, operations } from "./described-routes.ts";

const server = setupApp();

type Parameter = { name: string; schema: object; example?: unknown };
type Paths = Record<string, Record<string, { responses: object; parameters: Parameter[] }>>;

const documentOf = async () =>
  (await server.request("GET", "/api/openapi.json", undefined, { authorization: "" })).body;

test("the document is valid OpenAPI 3.1", async () => {
  const result = await new Validator().validate(await documentOf());
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

test("every operation has a summary, a unique id, a response, and its scopes as security", async () => {
  const { paths } = await documentOf();
  const names = new Set<string>();
  for (const { method, path, operation: declared } of routesOf(server.current().app)) {
    const scopes = declared?.scopes ?? [];
    const operation = paths[path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")][method.toLowerCase()];
    expect(operation.summary).toBeString();
    names.add(operation.operationId);
    const schemes = operation.security.flatMap((item: object) => Object.keys(item)).sort();
    const keys = [...new Set([...scopes, "admin"])].map((scope) => `${scope}Key`);
    expect(schemes).toEqual(scopes.length === 0 ? [] : [...keys, "signedIn"].sort());
    expect(Object.keys(operation.responses).some((status) => status.startsWith("2"))).toBe(true);
    if (scopes.length > 0) expect(Object.keys(operation.responses)).toContain("401");
  }
  expect(names.size).toBe(Object.keys(operations).length);
});

test("every reference leads to a schema", async () => {
  const document = await documentOf();
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)];
  expect(references.length).toBeGreaterThan(30);
  for (const [, name = ""] of references) expect(document.components.schemas).toHaveProperty(name);
  const names = references.map(([, name]) => name ?? "");
  expect(new Set(names)).toEqual(new Set(Object.keys(document.components.schemas)));
});

test("every operation has an error response, and parameter examples match their schemas", async () => {
  const isValue = (schema: object) => new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  for (const [path, operations] of Object.entries((await documentOf()).paths as Paths)) {
    for (const [method, { responses, parameters }] of Object.entries(operations)) {
      expect([path, method, Object.keys(responses).some((status) => status.startsWith("4"))]).toEqual([
        path,
        method,
        true,
      ]);
      for (const { name, schema, example } of parameters.filter(
        (parameter) => parameter.example !== undefined,
      ))
        expect([path, name, isValue(schema)(example)]).toEqual([path, name, true]);
    }
  }
});

/** Sent by clients of other versions than the server's: fields of newer ones are ignored. */
const OF_DEVICES = new Set([
  "POST /api/sessions",
  "POST /api/backfill/sessions",
  "POST /api/sessions/batch-status",
  "POST /api/prompts/dismiss",
]);

test("every JSON body that people write refuses unknown fields", () => {
  const bodies = Object.entries(operations).flatMap(([name, { body }]) => (body ? [{ name, body }] : []));
  const tolerant = bodies
    .filter(({ body }) => {
      const issues = body.safeParse({ no_such_field: 1 }).error?.issues ?? [];
      return !issues.some(({ code }) => code === "unrecognized_keys");
    })
    .map(({ name }) => name);
  expect(new Set(tolerant)).toEqual(OF_DEVICES);
  expect(bodies.length).toBeGreaterThan(20);
});

test("every list in a request is bounded", async () => {
  const { paths, components } = await documentOf();
  const sent = Object.values(paths).flatMap((path) =>
    Object.values(path ?? {}).map((operation) => operation?.requestBody),
  );
  const payloads = Object.entries(components.schemas).filter(([name]) => name.endsWith("Payload"));
  expect(unboundedLists({ sent, payloads })).toEqual([]);
  expect(unboundedLists({ a: [{ type: "array", items: { type: "string" } }] })).toHaveLength(1);
});

/** The schemas of lists without maxItems, with what refers to them left as it is. */
function unboundedLists(schema: unknown): unknown[] {
  if (typeof schema !== "object" || schema === null) return [];
  const isUnbounded = "type" in schema && schema.type === "array" && !("maxItems" in schema);
  return [...(isUnbounded ? [schema] : []), ...Object.values(schema).flatMap(unboundedLists)];
}

test("every response with a body has an example", async () => {
  const { paths } = await documentOf();
  for (const [name, { example, responses }] of Object.entries(operations)) {
    const [method = "", path = ""] = name.split(" ");
    const operation = paths[path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")][method.toLowerCase()];
    const json = operation.responses[example.status].content?.["application/json"];
    const isJson = !Object.hasOwn(responses[example.status] ?? {}, "contentType");
    if (responses[example.status] === null || !isJson || path === "/api/openapi.json") continue;
    expect([name, json?.example === undefined]).toEqual([name, false]);
  }
});

test("an event's payload has a schema for each known type, which the examples fit", async () => {
  const { components } = await documentOf();
  const payloads: Record<string, { $ref: string }> = components.schemas.Event["x-payloads"];
  expect(Object.keys(payloads)).toEqual(Object.keys(payloadSchemas));
  for (const { $ref } of Object.values(payloads))
    expect(components.schemas).toHaveProperty($ref.replace("#/components/schemas/", ""));
  const { GitCommitPayload } = components.schemas;
  expect(GitCommitPayload.required).toContain("hash");
  const isCommit = new Ajv2020({ strict: false }).compile(GitCommitPayload);
  const { body } = operationOf("POST /api/events").example;
  const { data } = eventBatchSchema.extend({ events: z.array(eventSchema) }).parse(body).events[0] ?? {};
  expect([isCommit(data), isCommit({ ...data, hash: 1 })]).toEqual([true, false]);
  expect(isCommit({ ...data, later: "field" })).toBe(true);
});

test("the document contains no valid key", async () => {
  const keys = JSON.stringify(await documentOf()).match(/wharf_\w+?_[A-Za-z0-9_-]{43}/g) ?? [];
  for (const key of keys) expect(key).toEndWith("0".repeat(43));
});
