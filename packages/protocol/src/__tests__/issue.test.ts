import { expect, test } from "bun:test";
import { z } from "zod";
import { eventBatchSchema, eventSchema } from "../event.ts";
import { describeIssue } from "../issue.ts";
import { payloadSchemas } from "../payloads.ts";
import { instant } from "../query.ts";

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
  [z.int().min(1), 0, "must be at least 1"],
  [z.number().max(1_000), 5_000, "must be at most 1000"],
  [z.string().min(1), "", "must not be empty"],
  [z.array(z.string()).max(2), ["a", "b", "c"], "must have at most 2 items"],
  [z.string().min(3), "a", "must have at least 3 characters"],
  [z.enum(["on", "off"]), "x", 'must be one of "on", "off"'],
  [z.literal("fast"), "x", 'must be "fast"'],
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

test("a time or a day that is none is answered once, with examples", () => {
  for (const time of ["yesterday", "2026-13-01", "2026-11-22T10:00"]) {
    const { issues = [] } = instant.safeParse(time).error ?? {};
    expect(issues.map((issue) => describeIssue(issue, time).detail)).toEqual([
      "must be a day, like 2026-11-22, or a time with Z or an offset, like 2026-11-22T10:00:00Z",
    ]);
  }
  expect(instant.safeParse("2026-11-22").success).toBe(true);
  expect(detailOf(instant, "1999-11-22T10:00:00Z")).toBe("must lie between 2000 and 2100");
});

test("a file of a commit that is no object is answered with the form of one", () => {
  const [issue] =
    payloadSchemas["git.commit"].safeParse({ file_list: ["a.ts"] }).error?.issues.slice(-1) ?? [];
  expect(issue && describeIssue(issue, {})).toEqual({
    pointer: "/file_list/0",
    detail: 'must be an object like {"path":"src/a.ts","status":"M"}',
  });
});
