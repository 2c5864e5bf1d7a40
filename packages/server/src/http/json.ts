import { describeIssue } from "@wharf/protocol";
import type { Context } from "hono";
import { z } from "zod";
import { withoutRemoteCredentials } from "../ingest/remote-fields.ts";
import { findFlaw, withStorableCharacters } from "../json/clean-value.ts";
import { countReceivedJson, planReceivedJson, TooManyValuesError } from "../json/parse-json.ts";
import type { Limits } from "../limits.ts";
import { type BodyBytes, decodeBody, readBody, readPlainBody } from "./body.ts";
import { ProblemError } from "./problem.ts";
import type { AppEnv } from "./request-context.ts";

/** Errors listed in one response. */
export const ISSUES_REPORTED_MAX = 100;

/** The JSON of a request body, checked against `schema`. Throws ProblemError 400 (with a pointer for each issue), 408, 413, 415. */
export async function readJson<Schema extends z.ZodType>(
  c: Context<AppEnv>,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const limits = c.get("limits");
  requireContentType(c, ["application/json"]);
  return parseWith(schema, parseStorable(await readBody(c, limits), limits));
}

/** As readJson, for a body that must not be compressed. */
export async function readPlainJson<Schema extends z.ZodType>(
  c: Context<AppEnv>,
  schema: Schema,
  limits: Limits,
): Promise<z.infer<Schema>> {
  requireContentType(c, ["application/json"]);
  return parseWith(schema, parseStorable(await readPlainBody(c, limits), limits));
}

/** As readJson; without a body, `{}` is checked. */
export async function readOptionalJson<Schema extends z.ZodType>(
  c: Context<AppEnv>,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const limits = c.get("limits");
  const bytes = await readBody(c, limits);
  if (bytes.byteLength === 0) return parseWith(schema, {});
  requireContentType(c, ["application/json"]);
  return parseWith(schema, parseStorable(bytes, limits));
}

/**
 * The schema with a first step: U+FFFD replaces characters that Postgres refuses, and git remotes lose their credentials. For bodies
 * that are stored.
 */
export function storable<Schema extends z.ZodType<object>>(schema: Schema): z.ZodType<z.infer<Schema>> {
  return z.preprocess((body) => withoutRemoteCredentials(withStorableCharacters(body)), schema);
}

/** JSON without values that are nested too deep for functions that walk it. Throws ProblemError 400 or 413. */
function parseStorable(bytes: BodyBytes, limits: Limits): unknown {
  const value = parseJsonBody(decodeBody(bytes), limits.json_values);
  const flaw = findFlaw(value, limits);
  if (flaw === null) return value;
  throw new ProblemError({ status: 400, code: "JSON_UNSTORABLE", detail: `The body ${flaw}.` });
}

/** Throws ProblemError 400, or 413 for more values than may be parsed at once. */
function parseJsonBody(text: string, values_max: number): unknown {
  countJsonBody(text, values_max);
  return planJsonBody(text)();
}

/** As countReceivedJson. Throws ProblemError 413. */
export function countJsonBody(text: string, values_max: number): void {
  asProblem(() => countReceivedJson(text, values_max));
}

/** As planReceivedJson, for a body that was counted. Throws ProblemError 413 or 400, as does what it returns. */
export function planJsonBody(text: string): () => unknown {
  const parse = asProblem(() => planReceivedJson(text));
  return () => {
    try {
      return parse();
    } catch {
      throw new ProblemError({ status: 400, code: "JSON_MALFORMED", detail: "The body is not valid JSON." });
    }
  };
}

function asProblem<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TooManyValuesError) throw tooManyValues(error.values_max);
    if (error instanceof SyntaxError)
      throw new ProblemError({ status: 400, code: "JSON_NUMBER_TOO_LONG", detail: error.message });
    throw error;
  }
}

export function tooManyValues(values_max: number): ProblemError {
  return new ProblemError({
    status: 413,
    code: "JSON_TOO_MANY_VALUES",
    detail: `The body has more than ${values_max} JSON values. Send smaller requests.`,
  });
}

/** Throws ProblemError 400 VALIDATION_FAILED with one entry an issue, up to ISSUES_REPORTED_MAX. */
export function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues
    .slice(0, ISSUES_REPORTED_MAX)
    .map((issue) => describeIssue(issue, value));
  const first = errors[0];
  const detail =
    first === undefined ? "Invalid request." : `${first.pointer || "The request"}: ${first.detail}`;
  throw new ProblemError({ status: 400, code: "VALIDATION_FAILED", detail, errors });
}

/** A body without a Content-Type is taken as JSON; the default of curl, a form, is refused. */
export function requireContentType(c: Context<AppEnv>, allowed: readonly string[]): string {
  const declared =
    (c.req.header("content-type") ?? allowed[0] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (allowed.includes(declared)) return declared;
  throw new ProblemError({
    status: 415,
    code: "CONTENT_TYPE_UNKNOWN",
    detail: `Unsupported Content-Type. Use ${allowed.join(" or ")}.`,
  });
}
