import { type UsageGroup, type UsageQuery, usageQuerySchema, usageSchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { readUnpriced, readUsage, type UsageRange } from "../db/usage/usage.ts";
import { operation } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";
import { type PlotLimits, plotRange } from "./plot-range.ts";

/** Of plots: below these, rows are few enough. Other groups have no limit of time, and are cut off at ROWS_MAX. */
const PLOTS: Partial<Record<UsageGroup, PlotLimits>> = {
  day: { defaultDays: 30, daysMax: 1_500 },
  hour: { defaultDays: 2, daysMax: 62 },
};
const ROWS_MAX = 1_500;
const MODELS_MAX = 100;

const read = operation({
  scopes: ["read"],
  tag: "Usage",
  summary: "Sum up responses, tokens and cost by day, hour, model, workspace, device, agent or session",
  description:
    "`from` is inclusive and `to` exclusive, both widened to quarters of an hour; a day without a time begins in `tz`. By default a plot by day covers 30 days, one by hour two days, and other groups all time; without `to`, what a device's clock dates ahead is counted, too. Days and hours without responses have no row. A response counts once, in the session that owns it. `unpriced` lists models without a price: their responses are not in `cost_usd`.",
  query: usageQuerySchema,
  responses: { 200: usageSchema },
  example: { status: 200, query: { group: "model", tz: "Europe/Berlin", from: "2025-03-01" } },
});

/** GET /api/usage. */
export function usageRoutes({ reads }: { reads: Database }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", read, async function getUsage(c) {
    const { group, tz, from, to, ...filters } = await withWorkspaceId(reads, c.req.valid("query"));
    const range = rangeOf({ group, tz, from, to });
    const [found, unpriced] = await Promise.all([
      reads.run((sql) => readUsage(sql, group, range, filters, ROWS_MAX + 1)),
      reads.run((sql) => readUnpriced(sql, range, filters, MODELS_MAX)),
    ]);
    return c.json({ rows: found.slice(0, ROWS_MAX), is_truncated: found.length > ROWS_MAX, unpriced });
  });

  return routes;
}

function rangeOf({ group, tz, from, to }: Pick<UsageQuery, "group" | "tz" | "from" | "to">): UsageRange {
  const limits = PLOTS[group];
  if (limits !== undefined) return plotRange({ tz, from, to }, limits);
  return { tz, from: from ?? null, to: to ?? null };
}
