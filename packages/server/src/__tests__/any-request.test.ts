import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { z } from "zod";
import { type Operation, routesOf } from "../http/operation.ts";
import { operations } from "../openapi/__tests__/described-routes.ts";
import { exampleRequest } from "../openapi/__tests__/example-request.ts";
import { seedExamples } from "../openapi/__tests__/seed-examples.ts";
import { createDocument, templateOf } from "../openapi/document.ts";
import { setupApp } from "./setup-app.ts";

const server = setupApp();

/** Thirty runs a route keep the file within seconds; a failure prints its seed. WHARF_TEST_SEED repeats it. */
const RUNS_A_ROUTE = 30;
const seed = Number(process.env["WHARF_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
beforeAll(() => {
  process.stdout.write(`seed ${seed}\n`);
});

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    "\0",
    "a\0b",
    "%",
    "%00",
    "'; DROP TABLE sessions; --",
    "\\",
    "../..",
    "NaN",
    "-1",
    "1e999",
    "99999999999999999999",
    "infinity",
    "2026-02-30T25:61:61Z",
    "2026-01-01T00:00:00+23:59",
    "\u{1F4A9}".repeat(300),
  ),
);
const json = fc.oneof(
  { weight: 2, arbitrary: text },
  fc.constantFrom(null, true, 0, -1, 0.5, 1e308, 2 ** 53, 2 ** 31, -(2 ** 63), "\ud800", [], {}),
  fc.jsonValue({ maxDepth: 4 }),
);
const OTHER_FIELDS = ["__proto__", "constructor", "metadata", "tags", "\0", "id"];

/** A body like the example, where some fields hold something else, or anything at all. */
function bodyLike(example: unknown): fc.Arbitrary<string> {
  const anything = fc.oneof(
    json.map(stringify),
    text,
    fc.constantFrom("{", "[[[[", '{"a":1e999}', "[".repeat(5_000)),
  );
  if (!isRecord(example)) return anything;
  const fields = fc.constantFrom(...Object.keys(example), ...OTHER_FIELDS);
  const changed = fc
    .dictionary(fields, json, { maxKeys: 3 })
    .map((changes) => stringify({ ...example, ...changes }));
  const events = example["events"];
  if (!Array.isArray(events) || !isRecord(events[0]))
    return fc.oneof({ weight: 3, arbitrary: changed }, anything);
  const event = bodyLike(events[0]).map((one) => `{"events":[${one}]}`);
  return fc.oneof({ weight: 3, arbitrary: event }, changed, anything);
}

function anyRequest(operation: Operation) {
  const { path = {}, body } = operation.example;
  const parameters = [...Object.keys(operation.query?.shape ?? {}), "other", "limit"];
  return fc.record({
    path: fc.record(
      Object.fromEntries(Object.keys(path).map((key) => [key, fc.oneof(text, fc.constant(path[key] ?? ""))])),
    ),
    query: fc.dictionary(fc.constantFrom(...parameters), text, { maxKeys: 3 }),
    body: bodyLike(body),
    type: mostly("application/json", ["application/x-ndjson", "text/plain", ""]),
    encoding: mostly("identity", ["gzip", "zstd", "br", "\u00e9"]),
  });
}

for (const [name, operation] of Object.entries(operations)) {
  test(`${name} answers any path, query and body with a status that is documented, never with a 500`, async () => {
    await seedExamples(server);
    const documented = documentedStatuses(name);
    const property = fc.asyncProperty(
      anyRequest(operation),
      async ({ path, query, body, type, encoding }) => {
        const { method, url } = exampleRequest(name, operation, path);
        const target = `${url.split("?")[0]}?${new URLSearchParams(query)}`;
        const headers = { "content-type": type, "content-encoding": encoding };
        const { status } = await server.request(method, target, method === "GET" ? undefined : body, headers);
        expect(status).toBeLessThan(500);
        // Without an id, the path is another route's, which may not have the method.
        const others = Object.values(path).includes("") ? ["404", "405"] : [];
        expect([...documented, ...others]).toContain(String(status));
      },
    );
    await fc.assert(property, { seed, numRuns: RUNS_A_ROUTE });
  });
}

function documentedStatuses(name: string): string[] {
  const [method = "", path = ""] = name.split(" ");
  const { paths } = createDocument(routesOf(server.current().app));
  const operation = paths[templateOf(path)]?.[method.toLowerCase()];
  return Object.keys(z.object({ responses: z.looseObject({}) }).parse(operation).responses);
}

function mostly(usual: string, others: string[]): fc.Arbitrary<string> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function stringify(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
