import { Hono } from "hono";
import { readBody } from "../http/body.ts";
import { type AppEnv, callerOf } from "../http/context.ts";
import { requireContentType } from "../http/json.ts";
import { requireScope } from "../http/scopes.ts";
import { type IngestDependencies, ingestEvents } from "../ingest/ingest-events.ts";
import { countIngest, type ServerMetrics } from "../metrics/server-metrics.ts";
import { readBatch, readLines } from "./read-events.ts";

const NDJSON = "application/x-ndjson";

/**
 * The garbage of a body of 30 MB is several times as large. Left to itself the engine collects it so late that 30 such bodies in three
 * seconds raised the process to 774 MB; collected after each, to 551.
 */
const COLLECTED_BYTES_MIN = 4 * 1024 * 1024;

/** POST /api/events and /api/events/ingest: a batch as JSON, or one event a line. Answers 202 after the commit. */
export function eventRoutes(ingest: IngestDependencies, metrics: ServerMetrics) {
  const routes = new Hono<AppEnv>();

  routes.on("POST", ["/", "/ingest"], requireScope("ingest"), async function postEvents(c) {
    const contentType = requireContentType(c, ["application/json", NDJSON]);
    c.get("access").requireEvents(c);
    const bytes = await readBody(c, ingest.limits);
    const read = contentType === NDJSON ? readLines : readBatch;
    const received = await read(bytes, ingest.limits);
    c.get("access").takeEvents(c, received.length);
    const answer = await ingestEvents(received, { ...ingest, boundDeviceId: callerOf(c).deviceId });
    if (bytes.byteLength > COLLECTED_BYTES_MIN) Bun.gc(false);
    countIngest(metrics, answer);
    return c.json(answer, 202);
  });

  return routes;
}
