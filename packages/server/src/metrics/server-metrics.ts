import { type Counter, createRegistry, type Histogram, type Registry } from "@wharf/job-runner";
import type { IngestResponse } from "@wharf/protocol";
import { VERSION } from "../version.ts";

export type ServerMetrics = {
  registry: Registry;
  /** By result: accepted, duplicate, rejected. */
  ingestEvents: Counter;
  ingestBatches: Counter;
  /** By result: ok, failed. */
  flushSeconds: Histogram;
  flushEvents: Histogram;
  flushRetries: Counter;
  /** By method, route pattern, status. */
  httpRequests: Counter;
  /** By method, route pattern. */
  httpSeconds: Histogram;
  /** By limit: authentication, requests, events. */
  refusals: Counter;
  /** By reason: slow, draining, key, client. */
  liveEnds: Counter;
  /** By pool and result: ok, failed, timeout. */
  queries: Counter;
  /** By pool. */
  querySeconds: Histogram;
};

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Few, since each route and method has a series of each: with all of SECONDS they were three quarters of what is scraped. */
const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.5, 2.5];
const EVENTS_A_FLUSH = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000];

/** Every metric that the server counts by itself; docs/metrics.md describes them. */
export function createServerMetrics(): ServerMetrics {
  const registry = createRegistry();
  const { counter, histogram, observed } = registry;
  observed(
    "gauge",
    "wharf_build_info",
    "What runs: always 1.",
    () => [{ value: 1, labels: [VERSION, Bun.version] }],
    ["version", "bun"],
  );
  const ingestEvents = counter("wharf_ingest_events_total", "Events answered, by result.", ["result"]);
  // From nothing, so that the first of each result counts as an increase.
  for (const result of ["accepted", "duplicate", "rejected"]) ingestEvents.add(0, result);
  return {
    registry,
    ingestEvents,
    ingestBatches: counter("wharf_ingest_batches_total", "Batches answered with 202."),
    flushSeconds: histogram("wharf_ingest_flush_seconds", "Time of a flush, commit included.", SECONDS, [
      "result",
    ]),
    flushEvents: histogram("wharf_ingest_flush_events", "Events in a flush.", EVENTS_A_FLUSH),
    flushRetries: counter("wharf_ingest_flush_retries_total", "Flushes retried or split."),
    httpRequests: counter("wharf_http_requests_total", "Requests answered.", ["method", "route", "status"]),
    httpSeconds: histogram(
      "wharf_http_request_seconds",
      "Time until the answer was ready.",
      REQUEST_SECONDS,
      ["method", "route"],
    ),
    refusals: counter("wharf_http_refusals_total", "Requests answered by 429, by limit.", ["limit"]),
    liveEnds: counter("wharf_live_streams_ended_total", "Live streams ended, by reason.", ["reason"]),
    queries: counter("wharf_database_queries_total", "Queries ended, by pool and result.", [
      "pool",
      "result",
    ]),
    querySeconds: histogram(
      "wharf_database_query_seconds",
      "Time of a query, waiting for a connection included.",
      SECONDS,
      ["pool"],
    ),
  };
}

/** Counts what one batch came to: at most four additions a batch, none an event. */
export function countIngest({ ingestBatches, ingestEvents }: ServerMetrics, answer: IngestResponse): void {
  const { ingested, duplicates, rejected } = answer;
  ingestBatches.add(1);
  if (ingested > 0) ingestEvents.add(ingested, "accepted");
  if (duplicates > 0) ingestEvents.add(duplicates, "duplicate");
  if (rejected > 0) ingestEvents.add(rejected, "rejected");
}
