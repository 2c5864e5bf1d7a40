import { z } from "zod";
import { jobSchema } from "./job.ts";
import { words } from "./query.ts";
import { deviceRowSchema } from "./resources/device.ts";
import { sessionSchema } from "./resources/session.ts";

/** What a live stream tells of: the names of its events, besides `reset` and `end`. */
export const LIVE_KINDS = ["event", "session", "job", "device"] as const;
export type LiveKind = (typeof LIVE_KINDS)[number];

export const liveQuerySchema = z.object({
  workspace_id: z.string().optional(),
  session_id: z.string().optional(),
  device_id: z.string().optional(),
  kinds: words(z.enum(LIVE_KINDS)).optional(),
});

/** An event without its data. */
export const liveEventRowSchema = z.object({
  id: z.string(),
  type: z.string(),
  timestamp: z.string(),
  device_id: z.string(),
  workspace_id: z.string(),
  session_id: z.string().nullable(),
});
export type LiveEventRow = z.infer<typeof liveEventRowSchema>;

/** `slow`: the client did not read. `draining`: the server stops. `key`: the key is no longer valid. */
export const LIVE_END_REASONS = ["slow", "draining", "key"] as const;
export type LiveEndReason = (typeof LIVE_END_REASONS)[number];

const base = { id: z.string(), ids: z.array(z.string()), at: z.string() };

/**
 * The data of an event of a live stream. Rows are left out when there are many: `ids` names all. A `job` without ids is of any number of
 * jobs.
 */
export const liveMessageSchema = z.discriminatedUnion("kind", [
  z.object({ ...base, kind: z.literal("event"), events: z.array(liveEventRowSchema).optional() }),
  /** `session`: as in GET /api/sessions; null after its deletion. */
  z.object({ ...base, kind: z.literal("session"), session: sessionSchema.nullable() }),
  z.object({ ...base, kind: z.literal("job"), jobs: z.array(jobSchema).optional() }),
  z.object({ ...base, kind: z.literal("device"), devices: z.array(deviceRowSchema).optional() }),
  /** What is missing cannot be told: read everything again. */
  z.object({ ...base, kind: z.literal("reset"), reason: z.string() }),
  z.object({ kind: z.literal("end"), reason: z.enum(LIVE_END_REASONS) }),
]);
export type LiveMessage = z.infer<typeof liveMessageSchema>;
