import { afterEach, describe, expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { setupApp } from "../../__tests__/setup-app.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { checkEvent, isRejection, sizeOfEvent } from "../check-event.ts";
import { createWorkspaceReferences } from "../workspace-references.ts";
import { anEvent, minute } from "./event-factory.ts";

const server = setupApp();

/** An event with this JSON text as its payload, written by hand: what JSON.stringify would never write. */
function eventText(data: string, fields: Record<string, string> = {}): string {
  const texts = {
    id: JSON.stringify(createUlid()),
    type: '"odd.value"',
    timestamp: JSON.stringify(minute(0)),
    device_id: '"laptop"',
    workspace_id: '"github.com/a/b"',
    data,
    ...fields,
  };
  return `{${Object.entries(texts)
    .map(([key, text]) => `"${key}":${text}`)
    .join(",")}}`;
}

/** Posts the odd event between two good ones, both of which have to be stored; answers with the odd one's result. */
async function sendBetweenGoodOnes(text: string) {
  const [before, after] = [anEvent(), anEvent()];
  const sent = `{"events":[${JSON.stringify(before)},${text},${JSON.stringify(after)}]}`;
  const { status, body } = await server.request("POST", "/api/events", sent);
  expect(status).toBe(202);
  expect([body.results[0].status, body.results[2].status]).toEqual(["accepted", "accepted"]);
  const stored = await server.sql`SELECT id FROM events WHERE id IN (${before.id}, ${after.id})`;
  expect(stored).toHaveLength(2);
  return { status: body.results[1].status as string, error: body.errors?.[0]?.error as string | undefined };
}

const storedText = async () =>
  (await server.sql<{ text: string }[]>`SELECT data::text AS text FROM events WHERE type = 'odd.value'`)[0]
    ?.text;
const noteKinds = async () =>
  (await server.sql<{ kind: string }[]>`SELECT kind FROM ingest_notes ORDER BY id`).map((row) => row.kind);

afterEach(async () => {
  expect(await server.sql`SELECT last_error FROM projection_queue`).toHaveLength(0);
});

describe("an odd value is stored as it came", () => {
  test.each([
    ["2^53+1", '{"n": 9007199254740993}'],
    ["a whole number of 100 digits", `{"n": [${"9".repeat(100)}]}`],
    ["a negative one", '{"n": -9007199254740995}'],
    ["a large number with an exponent", '{"n": 1.5E+300}'],
    ["a key named __proto__", '{"__proto__": {"x": 1}, "constructor": {"__proto__": 2}}'],
    ["a key named __proto__ next to an odd number", '{"__proto__": {"x": 9007199254740993}}'],
    ["an empty key", '{"": 1}'],
    ["a pair of surrogates", '{"text": "\\ud83d\\ude00"}'],
    ["a text that only looks like an escape", '{"text": "\\\\u0000"}'],
    ["a number inside a text", '{"text": ":12345678901234567890"}'],
    ["depth 60", `{"a":${"[".repeat(60)}${"]".repeat(60)}}`],
  ])("%s", async (_, data) => {
    expect((await sendBetweenGoodOnes(eventText(data))).status).toBe("accepted");
    const [row] = await server.sql<{ same: boolean }[]>`
      SELECT data = ${data}::text::jsonb AS same FROM events WHERE type = 'odd.value'`;
    expect(row?.same).toBe(true);
    expect(await noteKinds()).toEqual([]);
  });

  test("a number at the top of a whole batch does not change the numbers of its neighbours", async () => {
    await sendBetweenGoodOnes(
      eventText('{"a": 9007199254740993, "b": 0.1, "c": 1e-7, "d": 9007199254740991}'),
    );
    expect(JSON.parse((await storedText()) ?? "")).toMatchObject({
      b: 0.1,
      c: 1e-7,
      d: 9_007_199_254_740_991,
    });
    expect(await storedText()).toContain("9007199254740993");
  });
});

test("what an event takes in the queue is its payload, its blobs and what is noted of it", () => {
  const blob = { key: "k".repeat(5_000), content_type: "t", size_bytes: 1 };
  const sent = anEvent({ data: { text: `\0${"x".repeat(10_000)}` }, blob_refs: [blob] });
  const checked = checkEvent(sent, {
    limits: DEFAULT_LIMITS,
    now: () => new Date(),
    workspaceOf: createWorkspaceReferences(),
  });
  if (isRejection(checked)) throw new Error(checked.error);
  expect(sizeOfEvent(checked)).toBeWithin(10_000 + 5_000 + 15_000, 31_000);
});

test("a neighbour nested too deep to be parsed exactly changes no number, and is rejected alone", async () => {
  const n = "9007199254740993";
  const deep = `{"text":"]}\\"[[{","a":${"[".repeat(100_000)}7${"]".repeat(100_000)}}`;
  const sent = `{"events":[${eventText(`{"n":${n}}`)},${eventText(deep)},${eventText(`{"n":${n}}`)}]}`;
  const { body } = await server.request("POST", "/api/events", sent);
  expect(body).toMatchObject({ ingested: 2, rejected: 1 });
  expect(body.errors[0]).toMatchObject({ index: 1, error: "is nested too deep" });
  const rows = await server.sql`SELECT data ->> 'n' AS n FROM events`;
  expect(rows.map((row) => row["n"])).toEqual([n, n]);
});

describe("characters that Postgres cannot hold become U+FFFD, and the original is noted", () => {
  test.each([
    ["NUL in a value", '{"text": "a\\u0000b"}', '{"text": "a\uFFFDb"}'],
    ["NUL in a key", '{"a\\u0000b": 1}', '{"a\uFFFDb": 1}'],
    ["a lone high surrogate", '{"text": ["\\ud83d"]}', '{"text": ["\uFFFD"]}'],
    ["a lone low surrogate", '{"text": "\\ude00\\ud83d"}', '{"text": "\uFFFD\uFFFD"}'],
    ["NUL under a key named __proto__", '{"__proto__": "\\u0000"}', '{"__proto__": "\uFFFD"}'],
    [
      "NUL next to 2^53+1",
      '{"n": 9007199254740993, "t": "\\u0000"}',
      '{"n": 9007199254740993, "t": "\uFFFD"}',
    ],
  ])("%s", async (_, data, expected) => {
    expect((await sendBetweenGoodOnes(eventText(data))).status).toBe("accepted");
    const [row] = await server.sql<{ same: boolean }[]>`
      SELECT data = ${expected}::text::jsonb AS same FROM events WHERE type = 'odd.value'`;
    expect(row?.same).toBe(true);
    const [note] = await server.sql<{ kind: string; body: string }[]>`SELECT kind, body FROM ingest_notes`;
    expect(note?.kind).toBe("characters_replaced");
    expect(note?.body).toMatch(/\\u(0000|d83d|de00)/);
  });

  test.each([
    ["the device", { device_id: '"lap\\u0000top"' }],
    ["the session", { session_id: '"ses\\ud800sion"' }],
    ["both, and a control character", { device_id: '"a\\u001fb"', session_id: '"\\u0000"' }],
    ["a blob", { blob_refs: '[{"key":"\\u0000","content_type":"\\udfff","size_bytes":1}]' }],
    ["the workspace", { workspace_id: '"github.com/a\\u0000/b"' }],
    ["the workspace, half of a pair", { workspace_id: `"${"x ".repeat(249)}y\\ud83d\\ude00"` }],
  ])("in %s", async (_, fields) => {
    expect((await sendBetweenGoodOnes(eventText("{}", fields))).status).toBe("accepted");
    expect(await noteKinds()).toHaveLength(1);
  });

  test("also when such an event comes again with another body", async () => {
    const id = JSON.stringify(createUlid());
    const device_id = '"a\\u0000b"';
    await sendBetweenGoodOnes(eventText('{"t": "\\u0000"}', { id, device_id }));
    expect((await sendBetweenGoodOnes(eventText('{"t": "\\ud800!"}', { id, device_id }))).status).toBe(
      "duplicate",
    );
    expect(await noteKinds()).toContain("different_body");
  });
});

describe("an event that nothing can hold is rejected alone", () => {
  const deep = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;

  test.each([
    ["depth 65", eventText(deep(65)), "nested too deep"],
    ["depth 100,000", eventText(deep(100_000)), "nested too deep"],
    [
      "objects of depth 100,000",
      eventText(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`),
      "nested too deep",
    ],
    [
      "depth 100,000 next to 2^53+1",
      eventText(`{"n":9007199254740993,"a":${deep(100_000)}}`),
      "nested too deep",
    ],
    ["an event that is nothing but depth", "[".repeat(100_000) + "]".repeat(100_000), "nested too deep"],
    ["1e400", eventText('{"n": 1e400}'), "too large for a double"],
    ["1e-400", eventText('{"n": 1e-400}'), "too small for a double"],
    ["1e400 before depth 100,000", eventText(`{"n": 1e400, "a": ${deep(100_000)}}`), "too large"],
    ["1e131071", eventText('{"n": [[1e131071]]}'), "number"],
    ["-1e131073", eventText('{"n": -1e131073}'), "number"],
    ["a whole number of 200,000 digits", eventText(`{"n": ${"9".repeat(200_000)}}`), "number"],
    ["the year 300000", eventText("{}", { timestamp: '"+300000-01-01T00:00:00Z"' }), "ISO-8601"],
    ["a payload that is a number", eventText("9007199254740993"), "object"],
    ["a payload that is a list", eventText("[]"), "object"],
    ["a payload above 1 MiB", eventText(JSON.stringify({ text: "x".repeat(1024 * 1024) })), "larger than"],
    [
      "a payload above 1 MiB in three-byte characters",
      eventText(JSON.stringify({ text: "€".repeat(400_000) })),
      "larger than",
    ],
    [
      "a payload and blobs above 1 MiB",
      eventText(JSON.stringify({ text: "x".repeat(600_000) }), {
        blob_refs: JSON.stringify([{ key: "k".repeat(600_000), content_type: "t", size_bytes: 1 }]),
      }),
      "larger than",
    ],
    [
      "101 blobs",
      eventText("{}", {
        blob_refs: JSON.stringify(Array(101).fill({ key: "k", content_type: "t", size_bytes: 1 })),
      }),
      "100",
    ],
    [
      "a remote of 4,097 characters",
      eventText(JSON.stringify({ remote: "r".repeat(4_097) })),
      "at most 4096",
    ],
    [
      "a git remote of 4,097 characters",
      eventText(JSON.stringify({ git_remote: "@".repeat(4_097) })),
      "4096",
    ],
    [
      "a time at an offset of 16 hours",
      eventText("{}", { timestamp: '"2026-01-01T00:00:00+16:00"' }),
      "offset",
    ],
    ["an id that is an object", eventText("{}", { id: '{"a":1}' }), "string"],
    ["an id with NUL", eventText("{}", { id: '"\\u0000"' }), "ULID"],
    ["a type with NUL", eventText("{}", { type: '"a.\\u0000"' }), "dot notation"],
  ])("%s", async (_, text, reason) => {
    const { status, error } = await sendBetweenGoodOnes(text);
    expect(status).toBe("rejected");
    expect(error?.toLowerCase()).toContain(reason.toLowerCase());
    expect(await noteKinds()).toEqual(["rejected"]);
  });

  test("just below 1 MiB is taken", async () => {
    const { status } = await sendBetweenGoodOnes(
      eventText(JSON.stringify({ text: "x".repeat(1024 * 1024 - 11) })),
    );
    expect(status).toBe("accepted");
  });

  test("a long text that resembles an endless URL is rejected without holding up the server", async () => {
    const startedAt = performance.now();
    const { status } = await sendBetweenGoodOnes(
      eventText(JSON.stringify({ text: "a:/b-".repeat(250_000), at: "@" }), { type: "7" }),
    );
    expect(status).toBe("rejected");
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});
