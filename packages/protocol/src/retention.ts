import { z } from "zod";

/** A hundred years. */
const DAYS_MAX = 36_525;
const days = z.number().int().min(1).max(DAYS_MAX).nullable();

/** How long a workspace keeps transcripts as received, their parsed texts, and events; null: forever. Each field is required. */
export const retentionSchema = z.strictObject({ raw_days: days, parsed_days: days, events_days: days });
export type Retention = z.infer<typeof retentionSchema>;

export const retentionQuerySchema = z.strictObject({ dry_run: z.enum(["0", "1"]).default("0") });

/** What a retention deletes of what is held at present; events an hour after they arrived at the earliest. */
export const prunableSchema = z.object({
  segments: z.number(),
  bytes: z.number(),
  sessions: z.number(),
  messages: z.number(),
  events: z.number(),
});
export type Prunable = z.infer<typeof prunableSchema>;

const retentionChangeSchema = z.object({
  ...retentionSchema.shape,
  actor: z.string(),
  request_id: z.string().nullable(),
  created_at: z.iso.datetime({ offset: true }),
});
export type RetentionChange = z.infer<typeof retentionChangeSchema>;

export const workspaceRetentionSchema = z.object({
  retention: retentionSchema,
  /** The latest changes, newest first. */
  changes: z.array(retentionChangeSchema),
  /** With `dry_run=1`. */
  deletes: prunableSchema.optional(),
});
export type WorkspaceRetention = z.infer<typeof workspaceRetentionSchema>;
