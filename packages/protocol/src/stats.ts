import { z } from "zod";
import { plotRangeShape } from "./usage.ts";

export const STATS_BUCKETS = ["hour", "day"] as const;
export type StatsBucket = (typeof STATS_BUCKETS)[number];

export const statsQuerySchema = z.object({
  bucket: z.enum(STATS_BUCKETS).default("day"),
  ...plotRangeShape,
  workspace_id: z.string().optional(),
  device_id: z.string().optional(),
});

export const statsBucketSchema = z.object({
  /** Its first moment: a day begins in `tz`. */
  start: z.string(),
  events: z.number(),
  /** That started in it. */
  sessions: z.number(),
  commits: z.number(),
  tokens_in: z.number(),
  tokens_out: z.number(),
  cache_read_tokens: z.number(),
  cache_write_tokens: z.number(),
  /** Of the responses that have a price. */
  cost_usd: z.number(),
});
export type StatsBucketRow = z.infer<typeof statsBucketSchema>;
