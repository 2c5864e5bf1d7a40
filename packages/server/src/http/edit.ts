import type { Context } from "hono";
import type { z } from "zod";
import { isForeignKeyViolation } from "../db/database-errors.ts";
import { withStorableCharacters } from "../ingest/clean-value.ts";
import type { Limits } from "../limits.ts";
import type { AppEnv } from "./context.ts";
import { parseWith, readJson } from "./json.ts";
import { ProblemError } from "./problem.ts";

/** A JSON body checked against `schema`, with U+FFFD in the place of the characters that Postgres refuses. */
export async function readStorableJson<Schema extends z.ZodType>(
  c: Context<AppEnv>,
  schema: Schema,
  limits: Limits,
): Promise<z.infer<Schema>> {
  return parseWith(schema, withStorableCharacters(await readJson(c, schema, limits)));
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
