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
  const rules = result.error.issues.map((issue) => `${issue.path.join(".") || "(root)"}: ${issue.code}`);
  const issues = result.error.issues.map(({ path, message }) => ({
    pointer: path.map((key) => `/${String(key)}`).join(""),
    detail: message,
  }));
  throw new JobSchemaError(type, side, rules.join("; "), issues);
}
