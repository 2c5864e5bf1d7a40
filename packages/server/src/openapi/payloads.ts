import { payloadSchemas } from "@wharf/protocol";
import type { z } from "zod";
import type { Direction, JsonSchema } from "./json-schema.ts";

const COMPONENTS = "#/components/schemas/";

/** `session.start` → `SessionStartPayload`: what the payload of an event type is called among the components. */
function payloadName(type: string): string {
  const words = type.split(".").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join("")}Payload`;
}

/** The payload of each known event type, by its name among the components. */
export function payloadComponents(
  convert: (schema: z.core.$ZodType, io: Direction) => JsonSchema,
): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(payloadSchemas).map(([type, schema]) => [
      payloadName(type),
      {
        description: `\`data\` of an event of type \`${type}\`. Additional fields are stored.`,
        ...convert(schema, "input"),
      },
    ]),
  );
}

/**
 * The schema of an event with `x-payloads`: the schema of `data` by event type. Not a discriminator, which would reject unknown
 * types; `data` of those may be any object.
 */
export function withPayloads(event: JsonSchema): JsonSchema {
  const mapping = Object.keys(payloadSchemas).map((type) => [
    type,
    { $ref: `${COMPONENTS}${payloadName(type)}` },
  ]);
  return { ...event, "x-payloads": Object.fromEntries(mapping) };
}
