import { expect, test } from "bun:test";
import { Hono } from "hono";
import { JsonText, joinJson } from "../../db/json-rows.ts";
import { parseJson } from "../../ingest/parse-json.ts";
import { answerJson } from "../answer.ts";

async function answerOf(value: object): Promise<string> {
  const app = new Hono();
  app.get("/", (c) => answerJson(c, value));
  const response = await app.request("/");
  expect(response.headers.get("content-type")).toBe("application/json");
  return await response.text();
}

test("without Postgres' JSON it is what JSON.stringify writes", async () => {
  const value = {
    text: 'a "quoted" \u0000 \ud83d\ude00 text',
    list: [1, null, true, undefined, { nested: [] }],
    missing: undefined,
    none: null,
    'odd "name"': 0.5,
  };
  expect(await answerOf(value)).toBe(JSON.stringify(value));
});

test("Postgres' JSON stands as it is, at any depth", async () => {
  const json = new JsonText('{"n": 12345678901234567890}');
  expect(await answerOf({ rows: [json], one: { json } })).toBe(
    '{"rows":[{"n": 12345678901234567890}],"one":{"json":{"n": 12345678901234567890}}}',
  );
});

test("a number that parseJson kept exact is written as it was", async () => {
  expect(await answerOf({ data: parseJson('{"n":12345678901234567890}') })).toBe(
    '{"data":{"n":12345678901234567890}}',
  );
});

test("times stand before the fields that Postgres wrote", () => {
  const times = { started_at: "2026-11-22T10:00:00.000000Z", ended_at: null };
  expect(JSON.parse(joinJson(times, '{"id":"one"}').text)).toEqual({ ...times, id: "one" });
});
