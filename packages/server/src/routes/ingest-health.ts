import { ingestNotesQuerySchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { listNotes } from "../db/ingest/ingest-notes.ts";
import {
  HEALTH_WINDOW_MINUTES,
  healthByDevice,
  notesByReason,
  ratesByMinute,
} from "../db/reads/ingest-health.ts";
import { type AppEnv, callerOf } from "../http/context.ts";
import { createCursor, positionNumberSchema } from "../http/cursor.ts";
import { pageOf } from "../http/list.ts";
import { readQuery } from "../http/query.ts";
import { requireScope } from "../http/scopes.ts";
import type { Limits } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";

export type QueueDepth = { items: number; bytes: number; flushes: number };

export type IngestHealthDependencies = {
  reads: Database;
  limits: Limits;
  metrics: ServerMetrics;
  queueDepth: () => QueueDepth;
};

/** /api/ingest/health and /api/ingest/notes: how much comes in, how late, and what was refused or odd. */
export function ingestHealthRoutes({ reads, limits, metrics, queueDepth }: IngestHealthDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/health", requireScope("read"), async function getIngestHealth(c) {
    const [minutes, devices, notes] = await Promise.all([
      reads.run(ratesByMinute),
      reads.run(healthByDevice),
      reads.run(notesByReason),
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
    const { limit, cursor: sent, ...filters } = readQuery(c, ingestNotesQuerySchema);
    const cursor = createCursor("ingest-notes", filters, positionNumberSchema);
    const withBody = callerOf(c).scope === "admin";
    const wanted = { limit: limit + 1, beforeId: cursor.read(sent), withBody };
    const rows = await reads.run((sql) => listNotes(sql, filters, wanted));
    const { items, page } = pageOf(rows, limit, cursor, (row) => row.id);
    return c.json({ notes: items, ...page });
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
