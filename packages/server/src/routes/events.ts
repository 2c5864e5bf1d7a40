import { BATCH_EVENTS_MAX, eventBatchSchema, eventSchema, ingestResponseSchema } from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { z } from "zod";
import { readBody } from "../http/body.ts";
import { callerOf } from "../http/caller.ts";
import { requireContentType } from "../http/json.ts";
import { type Operation, operation } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import { type IngestDependencies, ingestEvents } from "../ingest/ingest-events.ts";
import { countIngest, type ServerMetrics } from "../metrics/server-metrics.ts";
import { readBatch, readLines } from "./read-events.ts";

const NDJSON = "application/x-ndjson";
const CONTENT_TYPES = ["application/json", NDJSON] as const;

/**
 * Above this size, garbage is collected after the request: 30 bodies of 30 MB in three seconds raised the process to 774 MB without
 * it, and to 551 MB with it.
 */
const COLLECTED_BYTES_MIN = 4 * 1024 * 1024;

const sendBatch: Operation = {
  scopes: ["ingest"],
  tag: "Ingest",
  summary: "Send a batch of events",
  description:
    "Responds after the commit, with one result per event in request order. Invalid events are rejected individually; the rest of the batch is stored. Retrying is safe: the event id makes each event idempotent. Bodies may be compressed (Content-Encoding: gzip or zstd) or contain one event per line (application/x-ndjson).",
  // The ingest checks each event by itself; this schema describes valid ones.
  rawBody: {
    schema: eventBatchSchema.extend({ events: z.array(eventSchema).min(1).max(BATCH_EVENTS_MAX) }),
    contentTypes: CONTENT_TYPES,
  },
  responses: { 202: ingestResponseSchema },
  example: {
    status: 202,
    body: {
      events: [
        {
          id: "01JP9Z8Q6V8T3M2K1H0GFEDCBA",
          type: "git.commit",
          timestamp: "2025-03-14T10:05:00.000000Z",
          device_id: "laptop",
          workspace_id: "github.com/acme/site",
          data: {
            hash: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
            message: "Greet the visitor",
            author_name: "Ada",
            branch: "main",
            files_changed: 1,
            insertions: 12,
            deletions: 3,
          },
        },
      ],
    },
  },
};

/** POST /api/events and /api/events/ingest: a batch as JSON, or one event per line. Responds with 202 after the commit. */
export function eventRoutes(ingest: IngestDependencies, metrics: ServerMetrics): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  async function postEvents(c: Context<AppEnv>) {
    const contentType = requireContentType(c, CONTENT_TYPES);
    c.get("access").requireEvents(c);
    const bytes = await readBody(c, ingest.limits);
    const read = contentType === NDJSON ? readLines : readBatch;
    const received = await read(bytes, ingest.limits);
    c.get("access").takeEvents(c, received.length);
    const response = await ingestEvents(received, { ...ingest, boundDeviceId: callerOf(c).deviceId });
    if (bytes.byteLength > COLLECTED_BYTES_MIN) Bun.gc(false);
    countIngest(metrics, response);
    return c.json(response, 202);
  }

  routes.post("/", operation(sendBatch), postEvents);
  routes.post(
    "/ingest",
    operation({ ...sendBatch, summary: `${sendBatch.summary} (same as POST /api/events)` }),
    postEvents,
  );

  return routes;
}
