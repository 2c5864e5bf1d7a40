import { expect, test } from "bun:test";
import { typeOf } from "../type-text.ts";

test.each([
  [{ $ref: "#/components/schemas/Session" }, "Session"],
  [{ type: "array", items: { $ref: "#/components/schemas/Session" } }, "Session[]"],
  [{ type: "string", enum: ["local", "remote"] }, '"local" | "remote"'],
  [{ type: "array", items: { enum: ["a", "b"] } }, '("a" | "b")[]'],
  [{ type: "string", const: "session" }, '"session"'],
  [{ anyOf: [{ type: "string" }, { type: "null" }] }, "string | null"],
  [{ type: ["string", "null"] }, "string | null"],
  [{ type: "integer", minimum: 1, maximum: 1000, default: 50 }, "integer 1-1000, default 50"],
  [{ type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }, "integer ≥ 0"],
  [{ type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: 9 }, "integer ≤ 9"],
  [{ type: "string", format: "date-time" }, "date-time"],
  [
    { type: "object", properties: { id: { type: "string" }, at: {} }, required: ["id"] },
    "{ id: string, at?: any }",
  ],
  [{ type: "object", additionalProperties: { type: "number" } }, "object of number"],
  [{}, "any"],
])("%j is written as %s", (schema, text) => {
  expect(typeOf(schema)).toBe(text);
});
