import type { Context } from "hono";
import type { z } from "zod";
import { isForeignKeyViolation } from "../db/database-errors.ts";
import { withoutRemoteCredentials } from "../ingest/remote-fields.ts";
import { withStorableCharacters } from "../json/clean-value.ts";
import type { Limits } from "../limits.ts";
import type { AppEnv } from "./context.ts";
import { parseWith, readJson } from "./json.ts";
import { ProblemError } from "./problem.ts";

/**
 * A JSON body checked against `schema`, with U+FFFD in the place of the characters that Postgres refuses, and without the
 * credentials of git remotes.
 */
export async function readStorableJson<Schema extends z.ZodType>(
  c: Context<AppEnv>,
  schema: Schema,
  limits: Limits,
): Promise<z.infer<Schema>> {
  const body = await readJson(c, schema, limits);
  return parseWith(schema, withoutRemoteCredentials(withStorableCharacters(body)));
}

/** A row of another table that the body names does not exist: ProblemError 400 instead of the database's error. */
export async function withKnownReferences<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    throw new ProblemError({
      status: 400,
      code: "REFERENCE_UNKNOWN",
      detail: "The body names a workspace or device that does not exist.",
    });
  }
}
