import { type StatsBucket, statsBucketSchema, statsQuerySchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { readStats } from "../db/usage/stats.ts";
import { operation } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import { type PlotLimits, plotRange } from "./plot-range.ts";

const PLOTS: Record<StatsBucket, PlotLimits> = {
  day: { defaultDays: 30, daysMax: 400 },
  hour: { defaultDays: 1, daysMax: 31 },
};

const read = operation({
  scopes: ["read"],
  tag: "Usage",
  summary: "Count events, sessions, commits, tokens and cost by day or hour, for plots",
  description:
    "`from` is inclusive and `to` exclusive, now by default; a day without a time begins in `tz`. By default 30 days, or one day by hours. Every day or hour of the range has a bucket.",
  query: statsQuerySchema,
  responses: { 200: z.object({ buckets: z.array(statsBucketSchema) }) },
  example: { status: 200, query: { from: "2025-03-14", to: "2025-03-16", tz: "Europe/Berlin" } },
});

/** GET /api/stats */
export function statsRoutes({ reads }: { reads: UpToDate }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", read, async function getStats(c) {
    const { bucket, tz, from, to, ...filters } = await withWorkspaceId(reads, c.req.valid("query"));
    const range = plotRange({ tz, from, to }, PLOTS[bucket]);
    return c.json({ buckets: await reads.run((sql) => readStats(sql, bucket, range, filters), filters) });
  });

  return routes;
}
