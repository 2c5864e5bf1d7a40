import type { z } from "zod";
import { JobSchemaError, type SchemaSide } from "./errors.ts";

/** Throws JobSchemaError, whose message holds paths and rules alone. */
export function parseValue<Schema extends z.ZodType>(
  type: string,
  side: SchemaSide,
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join(".") || "(root)"}: ${issue.code}`);
  throw new JobSchemaError(type, side, issues.join("; "));
}
