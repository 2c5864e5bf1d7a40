import type { Context } from "hono";
import type { z } from "zod";
import { parseWith } from "./json.ts";
import { notFound, ProblemError } from "./problem.ts";

/** No index of Postgres holds a longer one. */
const STORED_ID_CHARACTERS_MAX = 2_704;

/** The query parameters, checked against `schema`; unknown ones are ignored. Throws ProblemError 400 with a pointer for each issue. */
export function readQuery<Schema extends z.ZodType>(c: Context, schema: Schema): z.infer<Schema> {
  const query = c.req.query();
  // NUL is the one character that Postgres refuses in text.
  for (const [name, value] of Object.entries(query)) if (value.includes("\0")) throw nulInQuery(name);
  return parseWith(schema, query);
}

/** An id in the path. Text that no row can have as its id gets the answer that an unknown id gets: 404. */
export function readPathId(c: Context, name: string, what: string): string {
  const id = c.req.param(name);
  if (id === undefined || id === "" || id.length > STORED_ID_CHARACTERS_MAX || id.includes("\0"))
    throw notFound(what);
  return id;
}

function nulInQuery(name: string): ProblemError {
  const detail = "must not hold a NUL character";
  return new ProblemError({
    status: 400,
    code: "VALIDATION_FAILED",
    detail: `/${name}: ${detail}`,
    errors: [{ pointer: `/${name.replaceAll("\0", "")}`, detail }],
  });
}
