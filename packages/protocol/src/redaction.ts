import { z } from "zod";
import { idSchema } from "./event.ts";

const IDS_MAX = 1_000;

/** POST /api/sessions/redact: whose held texts are searched again; a session has to match each field. Without fields: everything. */
export const redactionFilterSchema = z.strictObject({
  agent: z.string().min(1).max(100).optional(),
  workspace_id: idSchema.optional(),
  device_id: idSchema.optional(),
  ids: z.array(idSchema).min(1).max(IDS_MAX).optional(),
});
export type RedactionFilter = z.infer<typeof redactionFilterSchema>;

/** `dry_run`: secrets are counted, and nothing is replaced. */
export const redactRequestSchema = redactionFilterSchema.extend({ dry_run: z.boolean().default(false) });

export const redactionStateSchema = z.enum(["on", "off"]);
/** PUT /api/workspaces/:id/redaction. */
export const redactionSwitchSchema = z.strictObject({ redaction: redactionStateSchema });
/** With `dry_run=1`, what a new search of the workspace would replace is counted. */
export const redactionQuerySchema = z.strictObject({ dry_run: z.enum(["0", "1"]).default("0") });

export const workspaceRedactionSchema = z.object({
  redaction: redactionStateSchema,
  rules_version: z.number().int(),
  /** The latest changes of the switch, newest first. */
  changes: z.array(
    z.object({
      redaction: redactionStateSchema,
      actor: z.string(),
      request_id: z.string().nullable(),
      created_at: z.iso.datetime({ offset: true }),
    }),
  ),
  /** `is_complete` false: the workspace holds more than a request can search; POST /api/sessions/redact with `dry_run` counts all. */
  dry_run: z
    .object({
      sessions: z.number().int(),
      rows: z.number().int(),
      secrets: z.record(z.string(), z.number().int()),
      is_complete: z.boolean(),
    })
    .optional(),
});
export type WorkspaceRedaction = z.infer<typeof workspaceRedactionSchema>;
