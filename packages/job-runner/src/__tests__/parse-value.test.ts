import { expect, test } from "bun:test";
import { z } from "zod";
import { JobSchemaError } from "../contract/errors.ts";
import { parseValue } from "../engine/parse-value.ts";

function issuesOf(schema: z.ZodType, value: unknown) {
  try {
    parseValue("greet", "input", schema, value);
    return [];
  } catch (error) {
    if (error instanceof JobSchemaError) return error.issues;
    throw error;
  }
}

test("an issue has a JSON pointer, for any field names", () => {
  const schema = z.object({ paths: z.object({ "/api/~me": z.array(z.number()) }) });
  expect(issuesOf(schema, { paths: { "/api/~me": [1, "2"] } })).toMatchObject([
    { pointer: "/paths/~1api~1~0me/1" },
  ]);
  expect(issuesOf(schema, { paths: {} })).toEqual([{ pointer: "/paths/~1api~1~0me", detail: "is missing" }]);
  expect(issuesOf(z.string(), 1)).toMatchObject([{ pointer: "" }]);
});
