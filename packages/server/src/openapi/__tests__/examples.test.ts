import { afterAll, expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { Ajv2020 } from "ajv/dist/2020.js";
import { setupApp } from "../../__tests__/setup-app.ts";
import { type Operation, routesOf } from "../../http/operation.ts";
import { createDocument, templateOf } from "../document.ts";
import recordedFile from "../recorded-responses.json" with { type: "json" };
import { asRecorded } from "./as-recorded.ts";
import { operationOf, operations } from "./described-routes.ts";
import { exampleRequest } from "./example-request.ts";
import { seedExamples } from "./seed-examples.ts";

const server = setupApp();

/** With UPDATE_API_EXAMPLES=1 the responses are recorded as examples of the document. */
const isRecording = process.env["UPDATE_API_EXAMPLES"] === "1";
const RECORDED_FILE = new URL("../recorded-responses.json", import.meta.url);
const RECORDED_NOWHERE = new Set(["GET /api/openapi.json", "GET /metrics"]);
/** What a body that is not JSON holds, by its content type. */
const HOLDS: Record<string, string> = {
  "text/html": "<!doctype html>",
  "text/markdown": "Greet the visitor",
  "text/event-stream": "retry: ",
  "text/plain": "# TYPE",
  "text/x-shellscript": "install_wharf",
  "text/javascript": "#!/usr/bin/env node",
  "*/*": "<svg",
  "image/*": "PNG",
  "application/octet-stream": "Greet the visitor",
  "application/x-ndjson": '{"end":true}',
};
const recorded: Record<string, unknown> = {};
const recordedResponses: Record<string, unknown> = recordedFile;

afterAll(async () => {
  if (isRecording) await Bun.write(RECORDED_FILE, `${JSON.stringify(recorded, null, 2)}\n`);
});

const ajv = new Ajv2020({ strict: false, validateFormats: false });

/** The errors of a value against the document's schema under this pointer, or null. `closed`: without undocumented fields. */
function errorsAt(
  pointer: readonly string[],
  value: unknown,
  id: "document" | "closed" = "document",
): unknown {
  if (ajv.getSchema(id) === undefined) {
    const document = createDocument(routesOf(server.current().app));
    ajv.addSchema({ $id: id, ...(id === "closed" ? closed(document) : document) });
  }
  const path = pointer.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"));
  const encoded = path.map((part) => encodeURIComponent(part)).join("/");
  ajv.validate({ $ref: `${id}#/${encoded}` }, value);
  return ajv.errors;
}

/** A schema whose objects with named properties have no others. */
function closed(schema: object): object {
  const fields = Object.entries(schema).map(([name, value]) => [name, closedValue(value)] as const);
  const isObject = "properties" in schema && "type" in schema && schema.type === "object";
  return { ...Object.fromEntries(fields), ...(isObject ? { additionalProperties: false } : {}) };
}

function closedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closedValue);
  return typeof value === "object" && value !== null ? closed(value) : value;
}

function pointersOf(name: string, { example, rawBody }: Operation) {
  const [method = "", path = ""] = name.split(" ");
  const operation = ["paths", templateOf(path), method.toLowerCase()];
  return {
    request: [
      ...operation,
      "requestBody",
      "content",
      rawBody?.contentTypes[0] ?? "application/json",
      "schema",
    ],
    answer: [...operation, "responses", String(example.status), "content", "application/json", "schema"],
  };
}

for (const [name, operation] of Object.entries(operations)) {
  test(`the example of ${name} gets the documented response`, async () => {
    await seedExamples(server);
    const { example, responses } = operation;
    const pointers = pointersOf(name, operation);
    if (example.body !== undefined) expect(errorsAt(pointers.request, example.body)).toBeNull();
    const { method, url, body: sent } = exampleRequest(name, operation);
    const { status, body } = await server.request(method, url, sent);
    expect([status, body?.detail]).toEqual([example.status, undefined]);
    const answer = responses[example.status];
    if (answer === null) expect(body).toBe("");
    else if (answer !== undefined && "contentType" in answer)
      expect(body).toContain(HOLDS[answer.contentType] ?? "a content type that this test knows");
    else
      expect(errorsAt(pointers.answer, body, RECORDED_NOWHERE.has(name) ? "document" : "closed")).toBeNull();
    for (const list of Object.values(body).filter(Array.isArray)) expect(list).not.toBeEmpty();
    if (typeof body !== "object" || RECORDED_NOWHERE.has(name)) return;
    recorded[name] = asRecorded(withoutSecrets(body), recordedResponses[name]);
    if (!isRecording) expect(shapeOf(body)).toEqual(shapeOf(recordedResponses[name]));
  });
}

test("the recorded responses match the examples (`bun run api:examples` records them)", () => {
  if (!isRecording) expect(Object.keys(recordedResponses).sort()).toEqual(Object.keys(recorded).sort());
});

test("a response with an undocumented column does not match the document", async () => {
  const { answer } = pointersOf("GET /api/devices", operationOf("GET /api/devices"));
  await seedExamples(server);
  const { body } = await server.request("GET", "/api/devices");
  expect(errorsAt(answer, body, "closed")).toBeNull();
  const devices = [{ ...body.devices[0], name_said_at: null }];
  expect(errorsAt(answer, { ...body, devices }, "closed")).toMatchObject([
    { keyword: "additionalProperties" },
  ]);
});

test("a response without a documented field does not match the document", async () => {
  const name = "GET /api/sessions";
  const { answer } = pointersOf(name, operationOf(name));
  await seedExamples(server);
  const { body } = await server.request("GET", "/api/sessions");
  expect(errorsAt(answer, body)).toBeNull();
  const [{ lifecycle, ...incomplete }] = body.sessions;
  expect(lifecycle).toBeString();
  expect(errorsAt(answer, { ...body, sessions: [incomplete] })).toMatchObject([{ keyword: "required" }]);
});

test("a recording keeps the ids and times of the one before, and takes what has changed", () => {
  const now = new Date().toISOString();
  const before = { id: "01JP9Z000000000000000000W1", at: "2026-01-01T00:00:00Z", run_ms: 3, title: "old" };
  const after = { id: createUlid(), at: now, run_ms: 4, title: "new", more: [{ at: now }] };
  expect(asRecorded(after, before)).toEqual({ ...before, title: "new", more: [{ at: now }] });
  const seeded = { id: before.id, at: "2025-03-14T10:00:00Z" };
  expect(asRecorded(seeded, after)).toEqual(seeded);
});

/** A value's fields with the types of what is in them: ids and times differ from one recording to the next. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(shapeOf(item))))].sort();
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  const fields = Object.entries(value).map(([name, field]) => [name, shapeOf(field)] as const);
  return Object.fromEntries(fields.sort(([a], [b]) => a.localeCompare(b)));
}

/** A key that was shown once must not stand in a file, even one of a test's. */
function withoutSecrets(body: object): unknown {
  const text = JSON.stringify(body);
  return JSON.parse(text.replaceAll(/wharf_(\w+?)_[A-Za-z0-9_-]{43}/g, `wharf_$1_${"0".repeat(43)}`));
}
