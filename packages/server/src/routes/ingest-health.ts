import { timestampSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { HEALTH_WINDOW_MINUTES, lagByDevice, notesByReason, ratesByMinute } from "../db/ingest-health.ts";
import { listNotes } from "../db/ingest-notes.ts";
import type { AppEnv } from "../http/context.ts";
import { parseWith } from "../http/json.ts";
import { NUMBER_ID, pageOf, readPage } from "../http/newest-first.ts";
import { requireScope } from "../http/scopes.ts";
import type { Limits } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";

export type QueueDepth = { items: number; bytes: number; flushes: number };

export type IngestHealthDependencies = {
  database: Database;
  limits: Limits;
  metrics: ServerMetrics;
  queueDepth: () => QueueDepth;
};

const nullable = <Schema extends z.ZodType>(schema: Schema) =>
  schema.optional().transform((value) => value ?? null);
const noteFiltersSchema = z.object({
  device_id: nullable(z.string()),
  kind: nullable(z.string()),
  after: nullable(timestampSchema),
  before: nullable(timestampSchema),
});

/** /api/ingest/health and /api/ingest/notes: how much comes in, how late, and what was refused or odd. */
export function ingestHealthRoutes({ database, limits, metrics, queueDepth }: IngestHealthDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/health", requireScope("read"), async function getIngestHealth(c) {
    const [minutes, devices, notes] = await Promise.all([
      database.run(ratesByMinute),
      database.run(lagByDevice),
      database.run(notesByReason),
    ]);
    return c.json({
      window_minutes: HEALTH_WINDOW_MINUTES,
      minutes,
      devices,
      notes,
      process: processState(),
    });
  });

  routes.get("/notes", requireScope("read"), async function getNotes(c) {
    const filters = parseWith(noteFiltersSchema, c.req.query());
    const page = readPage(c, limits.list_items, NUMBER_ID, filters);
    const withBody = c.var.caller.scope === "admin";
    const wanted = { limit: page.limit + 1, beforeId: page.beforeId, withBody };
    const found = await database.run((sql) => listNotes(sql, filters, wanted));
    const { rows, ...rest } = pageOf(found, page);
    return c.json({ notes: rows, ...rest });
  });

  function processState() {
    const { items, bytes, flushes } = queueDepth();
    const { ingestEvents } = metrics;
    return {
      accepted: ingestEvents.total("accepted"),
      duplicates: ingestEvents.total("duplicate"),
      rejected: ingestEvents.total("rejected"),
      queue: {
        events: items,
        bytes,
        flushes_in_flight: flushes,
        events_max: limits.write_queue_events,
        bytes_max: limits.write_queue_bytes,
      },
    };
  }

  return routes;
}
