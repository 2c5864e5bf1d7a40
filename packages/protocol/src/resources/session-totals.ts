import { z } from "zod";
import { time } from "./fields.ts";

export const sessionTotalsSchema = z.looseObject({
  session_count: z.number(),
  active_session_count: z.number(),
  last_session_at: time.nullable(),
  total_cost_usd: z.number(),
  total_duration_ms: z.number(),
  total_tokens_in: z.number(),
  total_tokens_out: z.number(),
});
export type SessionTotals = z.infer<typeof sessionTotalsSchema>;
