import { ingestHealthSchema, ingestNoteSchema, ingestNotesQuerySchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { listNotes } from "../db/ingest/ingest-notes.ts";
import {
  countNotes,
  HEALTH_WINDOW_MINUTES,
  healthByDevice,
  notesByReason,
  projectionHealth,
  ratesByMinute,
} from "../db/reads/ingest-health.ts";
import { callerOf } from "../http/caller.ts";
import { operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, positionNumberSchema } from "../http/pagination.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { QueueDepth } from "../ingest/writer.ts";
import type { Limits } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";

export type IngestHealthDependencies = {
  reads: Database;
  limits: Limits;
  metrics: ServerMetrics;
  queueDepth: () => QueueDepth;
};

const tag = "Ingest";

const health = operation({
  scopes: ["read"],
  tag,
  summary: "Ingest rate, lag and rejections of the last hour, and failed projections",
  responses: { 200: ingestHealthSchema },
  example: { status: 200 },
});

const listOfNotes = operation({
  scopes: ["read"],
  tag,
  summary: "List rejected events and warnings, newest first",
  description: "`body`, the event as sent, is included for admin keys only.",
  query: ingestNotesQuerySchema,
  responses: { 200: pageResponse("notes", ingestNoteSchema) },
  example: { status: 200, query: { device_id: "laptop", limit: "10" } },
});

/** /api/ingest/health and /api/ingest/notes: how much comes in, how late, and what was refused or odd. */
export function ingestHealthRoutes({
  reads,
  limits,
  metrics,
  queueDepth,
}: IngestHealthDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/health", health, async function getIngestHealth(c) {
    const [minutes, counts, devices, notes, projections] = await Promise.all([
      reads.run(ratesByMinute),
      reads.run(countNotes),
      reads.run(healthByDevice),
      reads.run(notesByReason),
      reads.run(projectionHealth),
    ]);
    return c.json({
      window_minutes: HEALTH_WINDOW_MINUTES,
      minutes,
      ...counts,
      devices,
      notes,
      projections,
      process: processState(),
    });
  });

  routes.get("/notes", listOfNotes, async function getNotes(c) {
    const { limit, cursor: sent, ...filters } = c.req.valid("query");
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
