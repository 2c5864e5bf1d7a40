import { expect, test } from "bun:test";
import { seededRandom } from "../../__tests__/seeded-random.ts";
import { countValues, endOfString } from "../json-text.ts";

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
