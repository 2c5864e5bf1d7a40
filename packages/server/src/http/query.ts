import { listParameters } from "@wharf/protocol";
import type { Context } from "hono";
import { z } from "zod";
import { parseWith } from "./json.ts";
import { notFound, ProblemError } from "./problem.ts";
import { similarName } from "./similar-name.ts";

/** Of what deletes: a parameter that it does not have, such as the preview of another route, is refused. */
export const noQuerySchema = z.strictObject({});

/** An index of Postgres holds no longer one. */
const STORED_ID_CHARACTERS_MAX = 2_704;

/**
 * The query parameters, checked against `schema`. Unknown parameters are ignored, except those that resemble a known one, and all where the
 * schema is strict; empty values are ignored; lists may be repeated or separated by commas. Throws ProblemError 400 with a pointer for each
 * issue, also for a single value that is repeated.
 */
export function readQuery<Schema extends z.ZodObject>(c: Context, schema: Schema): z.infer<Schema> {
  const query = new Map<string, string | string[]>();
  for (const [name, values] of Object.entries(c.req.queries())) {
    const isKnown = Object.hasOwn(schema.shape, name);
    const meant = isKnown ? null : similarName(name, Object.keys(schema.shape));
    if (!isKnown && meant === null && isStrict(schema))
      throw invalidParameter(name, "is no parameter of this request");
    const [first, ...others] = values.filter((value) => value !== "");
    if (first === undefined) continue;
    // NUL is the one character that Postgres refuses in text.
    if (values.some((value) => value.includes("\0")))
      throw invalidParameter(name, "must not contain a NUL character");
    if (meant !== null) throw invalidParameter(name, `is unknown; did you mean ${meant}?`);
    if (isKnown && others.length > 0 && !isList(schema, name))
      throw invalidParameter(name, "must be given once");
    query.set(name, others.length === 0 ? first : [first, ...others]);
  }
  return parseWith(schema, Object.fromEntries(query));
}

function isStrict(schema: z.ZodObject): boolean {
  return schema.def.catchall instanceof z.ZodNever;
}

function isList(schema: z.ZodObject, name: string): boolean {
  const field: unknown = schema.shape[name];
  return field instanceof z.ZodOptional && listParameters.has(field.unwrap());
}

/** An id in the path. Throws ProblemError 404 for text that no row can have as its id. */
export function readPathId(c: Context, name: string, what: string): string {
  const id = c.req.param(name);
  if (id === undefined || id === "" || id.length > STORED_ID_CHARACTERS_MAX || id.includes("\0"))
    throw notFound(what);
  return id;
}

export function invalidParameter(name: string, detail: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: "VALIDATION_FAILED",
    detail: `/${name}: ${detail}`,
    errors: [{ pointer: `/${name.replaceAll("\0", "")}`, detail }],
  });
}
