import { z } from "zod";
import { instant } from "./query.ts";

export const USAGE_GROUPS = ["day", "hour", "model", "workspace", "device", "agent", "session"] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];
export const DEFAULT_TIME_ZONE = "UTC";

/** A name of the IANA database, such as Europe/Berlin. */
const timeZone = z
  .string()
  .max(100)
  .refine(isTimeZone, { error: "must be an IANA time zone, like Europe/Berlin" });

/** Offsets, such as +02:00, have no daylight saving time, and Postgres reads their sign the other way round. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const filters = {
  workspace_id: z.string().optional(),
  device_id: z.string().optional(),
  session_id: z.string().optional(),
  agent: z.string().optional(),
  model: z.string().optional(),
};

/** `from` is inclusive, `to` exclusive; both are widened to quarters of an hour. */
export const plotRangeShape = {
  tz: timeZone.default(DEFAULT_TIME_ZONE),
  from: instant.optional(),
  to: instant.optional(),
};

export const usageQuerySchema = z.object({
  group: z.enum(USAGE_GROUPS).default("day"),
  ...plotRangeShape,
  ...filters,
});
export type UsageQuery = z.infer<typeof usageQuerySchema>;

/** Tokens of responses. Input is without cache, output with reasoning; cache_write is the sum of the two after it. */
const tokens = {
  tokens_in: z.number(),
  tokens_out: z.number(),
  cache_read_tokens: z.number(),
  cache_write_tokens: z.number(),
  cache_write_5m_tokens: z.number(),
  cache_write_1h_tokens: z.number(),
  reasoning_tokens: z.number(),
  web_searches: z.number(),
};

export const usageRowSchema = z.looseObject({
  /** A day (`2026-11-29`, in `tz`), the start of an hour, a model or an id. null: the model or the agent is unknown. */
  key: z.string().nullable(),
  /** Of a workspace (its canonical id), a device or a session (its title). */
  name: z.string().nullable(),
  sessions: z.number(),
  responses: z.number(),
  ...tokens,
  /** null: no response has a price. */
  cost_usd: z.number().nullable(),
  /** A response, or a part of one, has no price. */
  cost_is_partial: z.boolean(),
  /** What agents state themselves of these sessions, whole sessions only; null: nothing, or groups that divide sessions. */
  reported_cost_usd: z.number().nullable(),
});
export type UsageRow = z.infer<typeof usageRowSchema>;

export const usageSchema = z.object({
  rows: z.array(usageRowSchema),
  /** There are more rows; these are the most expensive ones. */
  is_truncated: z.boolean(),
  unpriced: z.array(z.object({ model: z.string().nullable(), responses: z.number() })),
});
export type Usage = z.infer<typeof usageSchema>;
