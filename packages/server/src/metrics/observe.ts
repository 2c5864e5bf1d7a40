import type { Registry } from "@wharf/job-runner";
import type { QueueDepth } from "../ingest/writer.ts";

/** The write queue, read when it is scraped. */
export function observeQueue(registry: Registry, depth: () => QueueDepth): void {
  const { observed } = registry;
  observed("gauge", "wharf_ingest_queue_events", "Events that wait for a flush.", () => depth().items);
  observed("gauge", "wharf_ingest_queue_bytes", "Bytes of the events that wait.", () => depth().bytes);
  observed("gauge", "wharf_ingest_flushes_in_flight", "Flushes under way.", () => depth().flushes);
}

/** What is left to do after flushes, read when it is scraped. */
export function observeProjections(registry: Registry, depth: () => number): void {
  const { observed } = registry;
  observed("gauge", "wharf_ingest_unprojected_events", "Events that wait to be projected.", depth);
}

export type MigrationCounts = { applied: number; unknown: number };

/** What the ledger said when the server started: migrations applied, and those of a newer version. */
export function observeMigrations(registry: Registry, counts: () => MigrationCounts): void {
  const { observed } = registry;
  observed("gauge", "wharf_migrations_applied", "Migrations in the database.", () => counts().applied);
  observed("gauge", "wharf_migrations_unknown", "Migrations of a newer version.", () => counts().unknown);
}

/** Log lines that the output did not take, read when it is scraped. */
export function observeLog(registry: Registry, linesDropped: () => number): void {
  registry.observed("counter", "wharf_log_lines_dropped_total", "Log lines dropped.", linesDropped);
}
