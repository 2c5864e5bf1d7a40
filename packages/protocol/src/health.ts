import { z } from "zod";

/** GET /api/health. */
export const healthSchema = z.object({
  status: z.enum(["ok", "degraded", "unhealthy"]),
  checks: z.object({
    db: z.object({ ok: z.boolean(), latency_ms: z.number().nullable(), error: z.string().optional() }),
    jobs: z.object({ ok: z.boolean() }),
  }),
  uptime_seconds: z.number(),
  version: z.string(),
});
export type Health = z.infer<typeof healthSchema>;
