import { z } from "zod";

/** As the database shows it; a host's own replication of disks is not visible. */
const replicationSchema = z.object({
  mode: z.enum(["none", "asynchronous", "synchronous"]),
  /** Connected at the moment. Synchronous replication without any stops all writes. */
  standbys: z.number().int().nonnegative(),
});

/** GET /api/health. */
export const healthSchema = z.object({
  status: z.enum(["ok", "degraded", "unhealthy"]),
  checks: z.object({
    db: z.object({
      ok: z.boolean(),
      latency_ms: z.number().nullable(),
      error: z.string().optional(),
      replication: replicationSchema.optional(),
    }),
    jobs: z.object({ ok: z.boolean() }),
  }),
  uptime_seconds: z.number(),
  version: z.string(),
});
export type Health = z.infer<typeof healthSchema>;
