import { describe, expect, spyOn, test } from "bun:test";
import zlib from "node:zlib";
import { PAYLOAD_ITEMS_MAX, payloadSchemas } from "@wharf/protocol";
import { setupApp } from "../../__tests__/setup-app.ts";
import { ISSUES_REPORTED_MAX } from "../../http/json.ts";
import { EXACT_VALUES_MAX, parseReceivedJson, TooManyValuesError } from "../../json/parse-json.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { anEvent } from "./event-factory.ts";

const server = setupApp();
const { batch_values, json_values } = DEFAULT_LIMITS;

async function post(path: string, text: string, contentType = "application/json") {
  const response = await server.current().app.request(path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${server.key}`,
      "content-type": contentType,
      "content-encoding": "gzip",
    },
    body: zlib.gzipSync(text),
  });
  // biome-ignore lint/suspicious/noExplicitAny: as in TestResponse.
  const body: any = await response.json();
  return { status: response.status, body };
}

/** The longest text that JSON.parse was given meanwhile. */
async function longestParsed(work: () => Promise<unknown>): Promise<number> {
  const parse = spyOn(JSON, "parse");
  try {
    await work();
    return Math.max(0, ...parse.mock.calls.map(([text]) => text.length));
  } finally {
    parse.mockRestore();
  }
}

const listOf = (item: string, count: number) => `[${`${item},`.repeat(count - 1)}${item}]`;
const batchWith = (data: string) =>
  `{"events":[${JSON.stringify(anEvent({ data: {} })).replace('"data":{}', `"data":${data}`)}]}`;

describe("a body with too many values is refused before it is parsed", () => {
  test.each([
    ["numbers in an event", "/api/events", batchWith(`{"x":${listOf("1", 8_000_000)}}`), batch_values],
    ["lists in an event", "/api/events", batchWith(`{"x":${listOf("[]", 2_000_000)}}`), batch_values],
    ["objects for events", "/api/events", `{"events":${listOf("{}", 900_000)}}`, batch_values],
    ["members", "/api/events", batchWith(`{${`"k":1,`.repeat(300_000)}"k":1}`), batch_values],
    ["depth", "/api/events", "[".repeat(16_000_000), batch_values],
    ["numbers", "/api/sessions/batch-status", `{"session_ids":${listOf("1", 8_000_000)}}`, json_values],
    [
      "numbers to be read exactly",
      "/api/sessions/batch-status",
      `{"session_ids":[1e100,${listOf("1", 90_000)}]}`,
      EXACT_VALUES_MAX,
    ],
    [
      "numbers to be read exactly, in an event",
      "/api/events",
      batchWith(`{"x":${listOf("1e100", 70_000)}}`),
      EXACT_VALUES_MAX,
    ],
  ])("%s", async (_, path, text, values_max) => {
    const parsed = await longestParsed(async () => {
      const { status, body } = await post(path, text);
      expect([status, body.code]).toEqual([413, "JSON_TOO_MANY_VALUES"]);
      expect(body.detail).toContain(`${values_max}`);
    });
    expect(parsed).toBeLessThan(1_000);
  });

  /** Some 10 KB each when it is parsed. */
  const holes = (count: number) => listOf('{"999":0}', count);
  test.each([
    ["an event", "/api/events", batchWith(`{"x":${holes(200)}}`), batch_values],
    ["events", "/api/events", `{"events":${listOf(`{"data":${holes(2)}}`, 100)}}`, batch_values],
    ["a report's metadata", "/api/sessions", `{"id":"s","metadata":{"x":${holes(60)}}}`, json_values],
    ["a query by a reader", "/api/sessions/batch-status", `{"session_ids":${holes(60)}}`, json_values],
    [
      "escapes",
      "/api/sessions/batch-status",
      `{"session_ids":${listOf('{"\\u0039\\u0038\\u0037" :0}', 60)}}`,
      json_values,
    ],
    ["an exact number", "/api/sessions/batch-status", `{"session_ids":[1e100,${holes(60)}]}`, json_values],
  ])("also a small one whose keys are array indexes: %s", async (_, path, text, values_max) => {
    const parsed = await longestParsed(async () => {
      const { status, body } = await post(path, text);
      expect([status, body.code]).toEqual([413, "JSON_TOO_MANY_VALUES"]);
      expect(body.detail).toContain(`${values_max}`);
    });
    expect(parsed).toBeLessThan(500);
  });

  test("also small lines whose keys are array indexes, which count together", async () => {
    const lines = Array.from({ length: 5 }, () => `{"x":${holes(40)}}`).join("\n");
    expect(await post("/api/events", lines, "application/x-ndjson")).toMatchObject({
      status: 413,
      body: { code: "JSON_TOO_MANY_VALUES" },
    });
  });

  test("events one per line, whose values count together, with any missing quote", async () => {
    const lines = ['{"a":"', ...Array.from({ length: 40 }, () => `{"x":${listOf("7", 20_000)}}`)];
    const parsed = await longestParsed(async () => {
      expect(await post("/api/events", lines.join("\n"), "application/x-ndjson")).toMatchObject({
        status: 413,
        body: { code: "JSON_TOO_MANY_VALUES" },
      });
    });
    expect(parsed).toBeLessThan(1_000);
  });
});

test.each(["9".repeat(1_000_001), `0.${"0".repeat(2_000_000)}1`])(
  "a number of more than 1,000,000 digits is refused before it is parsed",
  async (number) => {
    const parsed = await longestParsed(async () => {
      const { status, body } = await post("/api/events", batchWith(`{"x":${number}}`));
      expect([status, body.code]).toEqual([400, "JSON_NUMBER_TOO_LONG"]);
    });
    expect(parsed).toBeLessThan(500);
  },
);

test("a text of many digits is accepted, next to a number to be read exactly", async () => {
  const text = batchWith(`{"n":12345678901234567890,"x":"${"9".repeat(1_040_000)}"}`);
  expect((await post("/api/events", text)).body).toMatchObject({ ingested: 1 });
});

test("keys that are array indexes are taken in the numbers that payloads have them", async () => {
  const coverage = Object.fromEntries(Array.from({ length: 2_000 }, (_, line) => [line, 1]));
  const events = [anEvent({ data: { coverage } }), anEvent({ data: { "1": "a", "2": { "10": "b" } } })];
  expect((await post("/api/events", JSON.stringify({ events }))).body).toMatchObject({ ingested: 2 });
});

test("a body of few values is accepted, with any length and any separators in its texts", async () => {
  const events = Array.from({ length: 20 }, () => anEvent({ data: { text: ',[{"'.repeat(100_000) } }));
  expect((await post("/api/events", JSON.stringify({ events }))).body).toMatchObject({ ingested: 20 });
});

describe("an event that costs too much is rejected by itself", () => {
  test.each([
    ["values", anEvent({ data: { x: Array(json_values).fill(1) } })],
    [
      "members",
      anEvent({ data: Object.fromEntries(Array.from({ length: json_values }, (_, at) => [`${at}`, 1])) }),
    ],
  ])("for its many %s, of which no body is kept", async (_, costly) => {
    const { body } = await server.request("POST", "/api/events", { events: [anEvent(), costly, anEvent()] });
    expect(body).toMatchObject({ ingested: 2, rejected: 1 });
    expect(body.errors).toEqual([{ index: 1, error: `holds more than ${json_values} JSON values` }]);
    expect([...(await server.sql`SELECT event_id, body FROM ingest_notes`)]).toEqual([
      { event_id: costly.id, body: null },
    ]);
  });

  test("in a line of its own", async () => {
    const line = `{"n":1e100,"x":${listOf("1", EXACT_VALUES_MAX)}}`;
    const lines = [JSON.stringify(anEvent()), line, JSON.stringify(anEvent())].join("\n");
    const { body } = await post("/api/events", lines, "application/x-ndjson");
    expect(body).toMatchObject({ ingested: 2, rejected: 1 });
    expect(body.errors[0].error).toBe(`holds more than ${EXACT_VALUES_MAX} JSON values`);
  });

  test("for its size, before its payload is looked at", async () => {
    const data = { branch: "a", remote: "b", commit_count: "x".repeat(1024 * 1024), commits: [1] };
    const events = [anEvent({ type: "git.push", data })];
    const { body } = await server.request("POST", "/api/events", { events });
    expect(body.errors).toEqual([{ index: 0, error: "is larger than 1048576 bytes", pointer: "/data" }]);
  });

  test.each([
    ["git.push", { branch: "a", remote: "b", commit_count: 1 }, "commits"],
    [
      "git.commit",
      { hash: "a", message: "", author_name: "", branch: "", files_changed: 1, insertions: 0, deletions: 0 },
      "file_list",
    ],
  ] as const)("for a list in %s that is too long, with a single issue", (type, data, list) => {
    const items = Array(PAYLOAD_ITEMS_MAX + 1).fill(1);
    const { error } = payloadSchemas[type].safeParse({ ...data, [list]: items });
    expect(error?.issues).toHaveLength(1);
    expect(error?.issues[0]).toMatchObject({ code: "too_big", path: [list] });
  });
});

test("a refusal lists no more issues than a person reads", async () => {
  const { status, body } = await server.request("POST", "/api/sessions/batch-status", {
    session_ids: Array(9_000).fill(1),
  });
  expect(status).toBe(400);
  expect(body.errors).toHaveLength(ISSUES_REPORTED_MAX);
});

describe("numbers", () => {
  test.each(["1e-400", "-1E-4000", "0.00001e-320", `0.${"0".repeat(330)}1`, `0.${"0".repeat(300)}1e-30`])(
    "too small for a double are told apart from zero: %s",
    (text) => expect(parseReceivedJson(`[${text}]`, 10)).toEqual([Number.NaN]),
  );

  test.each(["0", "-0", "0e400", "0.0e-400", `0.${"0".repeat(330)}`, "1e-300", "5e-324", "1e300"])(
    "that a double holds are numbers: %s",
    (text) => expect(parseReceivedJson(`[${text}]`, 10)).toEqual([Number(text)]),
  );

  test("to be read exactly do not refuse a long text of few values", () => {
    const text = `[12345678901234567890,"${"x,".repeat(900_000)}"]`;
    expect(JSON.stringify(parseReceivedJson(text, 10)).slice(0, 22)).toBe("[12345678901234567890,");
    expect(() => parseReceivedJson(`[1e100,${listOf("1", EXACT_VALUES_MAX)}]`, 10)).toThrow(
      TooManyValuesError,
    );
  });
});
