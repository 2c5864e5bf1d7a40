import {
  apiKeySchema,
  blueprintSchema,
  createdKeySchema,
  deviceSchema,
  eventSchema,
  gitActivitySchema,
  ingestNoteSchema,
  jobDetailSchema,
  jobSchema,
  problemSchema,
  queueSchema,
  remoteEnvSchema,
  sessionDetailSchema,
  sessionSchema,
  storedEventSchema,
  timelineItemSchema,
  workspaceDeviceSchema,
  workspaceSchema,
} from "@wharf/protocol";
import { z } from "zod";

export type JsonSchema = Record<string, unknown>;
/** `input`: as a client sends it; fields with defaults are optional. `output`: as the server returns it. */
export type Direction = "input" | "output";

/** Schemas that become named components, and so named types in generated clients. */
const names = z.registry<{ id: string }>();
names.add(apiKeySchema, { id: "ApiKey" });
names.add(blueprintSchema, { id: "Blueprint" });
names.add(createdKeySchema, { id: "CreatedKey" });
names.add(deviceSchema, { id: "Device" });
names.add(eventSchema, { id: "Event" });
names.add(gitActivitySchema, { id: "GitActivity" });
names.add(ingestNoteSchema, { id: "IngestNote" });
names.add(jobSchema, { id: "Job" });
names.add(jobDetailSchema, { id: "JobDetail" });
names.add(problemSchema, { id: "Problem" });
names.add(queueSchema, { id: "Queue" });
names.add(remoteEnvSchema, { id: "RemoteEnv" });
names.add(sessionDetailSchema, { id: "SessionDetail" });
names.add(sessionSchema, { id: "Session" });
names.add(storedEventSchema, { id: "StoredEvent" });
names.add(timelineItemSchema, { id: "TimelineItem" });
names.add(workspaceDeviceSchema, { id: "WorkspaceDevice" });
names.add(workspaceSchema, { id: "Workspace" });

export type SchemaConverter = {
  convert: (schema: z.core.$ZodType, io: Direction) => JsonSchema;
  components: Record<string, JsonSchema>;
};

/** Converts schemas. Named ones are collected in `components`; the others refer to them. */
export function createSchemaConverter(): SchemaConverter {
  const components: Record<string, JsonSchema> = {};

  function convert(schema: z.core.$ZodType, io: Direction): JsonSchema {
    const options = { metadata: names, io, unrepresentable: "any", override: adapt } as const;
    const { $schema, $defs, ...converted } = relocate(z.toJSONSchema(schema, options));
    Object.assign(components, $defs);
    return converted;

    function adapt(context: { zodSchema: z.core.$ZodTypes; jsonSchema: JsonSchema }): void {
      const { def } = context.zodSchema._zod;
      // zod cannot convert a custom check: its metadata holds its JSON schema.
      if (def.type === "custom") Object.assign(context.jsonSchema, z.globalRegistry.get(context.zodSchema));
      // 300 characters that repeat the format.
      if (context.jsonSchema["format"] === "date-time") delete context.jsonSchema["pattern"];
      // Later versions may add fields to responses.
      if (io === "output" && def.type === "object" && def.catchall === undefined)
        delete context.jsonSchema["additionalProperties"];
    }
  }

  return { convert, components };
}

function relocate(schema: object): JsonSchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}
