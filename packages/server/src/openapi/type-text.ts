import type { JsonSchema } from "./json-schema.ts";

const REFERENCE = "#/components/schemas/";

/** A JSON schema in one line for people: `Session[]`, `"local" | "remote"`, `integer 1-1000, default 50`. */
export function typeOf(schema: JsonSchema): string {
  const { $ref, enum: values, anyOf, oneOf, type, items, format, default: standard } = schema;
  if (typeof $ref === "string") return $ref.replace(REFERENCE, "");
  if ("const" in schema) return JSON.stringify(schema["const"]);
  if (Array.isArray(values))
    return withDefault(values.map((value) => JSON.stringify(value)).join(" | "), standard);
  const choices = Array.isArray(anyOf) ? anyOf : oneOf;
  if (Array.isArray(choices)) return [...new Set(choices.filter(isSchema).map(typeOf))].join(" | ");
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(" | ");
  if (type === "array") return arrayOf(isSchema(items) ? typeOf(items) : "any");
  if (type === "object") return objectOf(schema);
  if (typeof type === "string")
    return withDefault(`${typeof format === "string" ? format : type}${rangeOf(schema)}`, standard);
  return "any";
}

function arrayOf(item: string): string {
  return item.includes(" ") ? `(${item})[]` : `${item}[]`;
}

function objectOf({ properties, required, additionalProperties }: JsonSchema): string {
  if (!isSchema(properties))
    return isSchema(additionalProperties) ? `object of ${typeOf(additionalProperties)}` : "object";
  const needed = Array.isArray(required) ? required : [];
  const fields = Object.entries(properties).map(
    ([name, field]) =>
      `${name}${needed.includes(name) ? "" : "?"}: ${isSchema(field) ? typeOf(field) : "any"}`,
  );
  return `{ ${fields.join(", ")} }`;
}

/** The bounds of a schema, without those of a double, which zod adds. */
function rangeOf({ minimum, maximum }: JsonSchema): string {
  const from =
    typeof minimum === "number" && Number.isSafeInteger(minimum + 1) && minimum > -1e15 ? minimum : undefined;
  const to = typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (from === undefined && to === undefined) return "";
  if (to === undefined) return ` ≥ ${from}`;
  return from === undefined ? ` ≤ ${to}` : ` ${from}-${to}`;
}

function withDefault(text: string, standard: unknown): string {
  return standard === undefined ? text : `${text}, default ${JSON.stringify(standard)}`;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
