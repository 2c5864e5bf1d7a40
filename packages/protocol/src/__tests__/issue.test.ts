import { expect, test } from "bun:test";
import { z } from "zod";
import { eventBatchSchema, eventSchema } from "../event.ts";
import { describeIssue } from "../issue.ts";

function detailOf(schema: z.ZodType, value: unknown): string | undefined {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  return issue && describeIssue(issue, value).detail;
}

test.each<[z.ZodType, unknown, string]>([
  [z.object({}), [], "must be an object, not an array"],
  [z.array(z.string()), {}, "must be an array, not an object"],
  [z.record(z.string(), z.unknown()), "x", "must be an object, not a string"],
  [z.string(), null, "must be a string, not null"],
  [z.boolean(), 1, "must be true or false, not a number"],
  [z.number(), Number.NaN, "must be a number"],
  [z.int(), 1.5, "must be a whole number"],
  [z.strictObject({}), { a: 1 }, 'has the unknown field "a"; check its spelling'],
  [z.strictObject({}), { a: 1, b: 2 }, 'has the unknown fields "a", "b"; check their spelling'],
])("a value that does not fit is described in plain words: %#", (schema, value, detail) => {
  expect(detailOf(schema, value)).toBe(detail);
});

test("a body that is no batch is answered with the form of one", () => {
  for (const body of [[], "x", null, 3]) expect(detailOf(eventBatchSchema, body)).toBe('send {"events":[…]}');
  expect(detailOf(eventBatchSchema, { events: {} })).toBe("must be an array, not an object");
  expect(detailOf(eventBatchSchema, {})).toBe("is missing");
});

test("an id that is no ULID is answered with the rule of its first character", () => {
  expect(detailOf(eventSchema, { id: "8".repeat(26) })).toContain(
    "26 characters 0-9 A-Z without I, L, O, U, the first from 0 to 7",
  );
});
