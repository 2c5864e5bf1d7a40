import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../__tests__/seeded-random.ts";
import { countValues, endOfString, mayHoldIndexKeys } from "../json-text.ts";

const all = Number.POSITIVE_INFINITY;

/** The values that JSON.parse makes. */
function valuesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, item) => sum + valuesIn(item), 1);
}

test.each([
  ["a number", "1", 1],
  ["a list", "[1,2,3]", 4],
  ["an object", '{"a":1,"b":[2]}', 4],
  ["separators in a text", '["a,b[c{d"]', 2],
  ["a quote in a text", '["a\\",,,",1]', 3],
  ["a backslash at the end of a text", '["a\\\\",1]', 3],
  ["a long text full of quotes and separators", `["${'\\",['.repeat(500)}",1]`, 3],
  ["a long text that ends with backslashes", `["${"x".repeat(100)}${"\\\\".repeat(50)}",1,2]`, 4],
])("counts the values of %s", (_, text, expected) => {
  expect(countValues(text, all)).toBe(expected);
});

test("counts what JSON.parse makes, and one more for each empty list or object", () => {
  const random = seededRandom(11);
  const pick = <T>(...items: T[]) => items[Math.floor(random() * items.length)] as T;
  const make = (depth: number): unknown => {
    if (depth === 0 || random() < 0.3)
      return pick<unknown>(1, null, "", '\\",', "x".repeat(40) + '"'.repeat(3), true);
    const items = Array.from({ length: Math.floor(random() * 4) }, () => make(depth - 1));
    return random() < 0.5 ? items : Object.fromEntries(items.map((item, at) => [`k"${at},`, item]));
  };
  for (let round = 0; round < 500; round++) {
    const value = make(5);
    const text = JSON.stringify(value);
    const empty = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, "0").match(/\[\]|\{\}/g)?.length ?? 0;
    expect(countValues(text, all)).toBe(valuesIn(value) + empty);
  }
});

test("counting stops above the number that was asked for", () => {
  expect(countValues(`[${"1,".repeat(1_000_000)}1]`, 10)).toBe(11);
});

test("a text without an end ends with the text", () => {
  for (const text of ['"', '"a', '"a\\', '"a\\"', `"${"x".repeat(100)}`, `"${"x".repeat(100)}\\"`])
    expect(endOfString(text, 0)).toBeGreaterThanOrEqual(text.length);
});

describe("a key that is an array index counts as the slots that it allocates", () => {
  test.each([
    ["one", '{"999":0}', 2 + 1_000],
    ["with white space", '{ "999" : 0}', 2 + 1_000],
    ["in escapes", '{"\\u0039\\u00399":0}', 2 + 1_000],
    ["in each object by itself", '[{"99":0},{"99":{"9":0}}]', 6 + 100 + 100 + 10],
    ["once for all below the largest of an object", '{"9":0,"99":{"a":1},"5":0}', 5 + 100],
    ["of a dense object", `{${Array.from({ length: 500 }, (_, at) => `"${at}":0`).join(",")}}`, 501 + 500],
  ])("%s", (_, text, expected) => {
    expect(countValues(text, all)).toBe(expected);
    expect(mayHoldIndexKeys(text)).toBe(true);
  });

  test.each([
    ["a text in a list", '["999","998"]', 3],
    ["a text that is a value", '{"a":"999"}', 2],
    ["an index from 1,000 on, of which objects allocate few", '{"1000":0,"4294967294":0}', 3],
    ["a number with leading zeros", '{"0999":0}', 2],
    ["a negative number", '{"-99":0}', 2],
    ["a longer name", '{"99a":0}', 2],
    ["other escapes", '{"\\n99":0,"\\\\u0039":0}', 3],
  ])("but not %s", (_, text, expected) => {
    expect(countValues(text, all)).toBe(expected);
  });
});

test("keys that are no index are told at a glance", () => {
  for (const value of [{ a: 1, b: ["x", "y"] }, { at: "2026-11-29", n: [1, 2] }, { text: '{"1":2}' }])
    expect(mayHoldIndexKeys(JSON.stringify(value))).toBe(false);
});
