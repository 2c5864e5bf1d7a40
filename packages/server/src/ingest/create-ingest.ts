import { describeDatabaseError } from "../db/database-errors.ts";
import { obstacleToChecksBySet } from "../db/ingest/parent-checks.ts";
import type { Pools } from "../db/pools.ts";
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import { measureFlush } from "../metrics/measure.ts";
import { observeProjections, observeQueue } from "../metrics/observe.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import { within } from "../waits.ts";
import { createEventRetention, type EventRetention } from "./event-retention.ts";
import { createFlush } from "./flush.ts";
import { createFlushRunner } from "./flush-runner.ts";
import type { IngestDependencies } from "./ingest-events.ts";
import { createKnownActivity } from "./known-activity.ts";
import { matchQueued } from "./match-git.ts";
import { projectRows } from "./project-rows.ts";
import { createProjector, type Projector } from "./projector.ts";
import { openRedaction, type RedactChecked } from "./redact-checked.ts";
import type { ReportDependencies } from "./report-session.ts";
import { retryProjectionsAtBoot } from "./retry-projections.ts";
import { type Checked, createStore, sizeOfChecked } from "./store-checked.ts";
import { createWorkspaceReferences } from "./workspace-references.ts";
import { createWorkspaceResolver } from "./workspace-resolver.ts";
import { createWriteLanes } from "./write-lanes.ts";
import type { Writer } from "./writer.ts";

export type IngestOptions = {
  pools: Pick<Pools, "ingest" | "flush" | "reports">;
  redaction: Redaction;
  limits: Limits;
  metrics: ServerMetrics;
  logger: Logger;
  now: () => Date;
  /** Called after the commit of each flush. */
  onFlushed: () => void;
};

export type Ingest = {
  events: IngestDependencies;
  reports: ReportDependencies;
  retention: EventRetention;
  /** Waiting events, and running flushes. */
  depth: Writer<Checked>["depth"];
  /** Resolves when everything that was acknowledged is projected. Never rejects. */
  caughtUp: Projector["caughtUp"];
  /** On a migrated database: logs an obstacle to fast flushes, and projects the events left by earlier processes. */
  start(): Promise<void>;
  /** Resolves when everything that was accepted is answered and projected, or PROJECTIONS_GRACE_MS after the answers. */
  drained(): Promise<void>;
  /** Clears the caches, after another process has deleted rows. */
  forget(): void;
};

/** What is not projected by then is projected at the next start. */
const PROJECTIONS_GRACE_MS = 2_000;

/**
 * Connects the steps of an event:
 *
 *   read     routes/events.ts            the body, its JSON values or its lines
 *   check    check-event.ts              each value individually: an event or a rejection
 *   redact   redact-checked.ts           markers in place of secrets, before anything is stored
 *   queue    write-lanes.ts, writer.ts   collects the events of concurrent requests
 *   store    store-checked.ts, flush.ts  one statement per flush; notes of rejections
 *   answer   ingest-events.ts            a result for each event, after the commit
 *   project  projector.ts                sessions, devices and git activity, in rounds after the flush
 */
export function createIngest(options: IngestOptions): Ingest {
  const { pools, redaction, limits, metrics, logger, now, onFlushed } = options;
  const { ingest: database, flush: bySetDatabase } = pools;
  const workspaces = createWorkspaceResolver(database);
  const known = createKnownActivity();
  const retention = createEventRetention({ database, now });
  const projector = createProjector({
    projectRows: (rows) => projectRows(database, rows),
    matchQueued: (sessions) => matchQueued(database, sessions),
    logger,
  });
  const flush = createFlush({
    database,
    runFlush: createFlushRunner({ database, bySetDatabase, onRetry: () => metrics.flushRetries.add(1) }),
    workspaces,
    known,
    projector,
    onFlushed,
    onRetry: (reason) => {
      metrics.flushRetries.add(1);
      logger.warn({ reason }, "flush will be retried");
    },
  });
  const writer = createWriteLanes<Checked>({
    flush: createStore({ flush: measureFlush(flush, metrics), isExpired: retention.isExpired, database }),
    sizeOf: sizeOfChecked,
    queueMaxItems: limits.write_queue_events,
    queueMaxBytes: limits.write_queue_bytes,
  });

  async function openRedactionOfEvents(): Promise<RedactChecked> {
    const [redact] = await Promise.all([openRedaction(redaction), retention.refresh()]);
    return redact;
  }

  observeQueue(metrics.registry, writer.depth);
  observeProjections(metrics.registry, projector.depth);

  return {
    events: {
      limits,
      now,
      workspaceOf: createWorkspaceReferences(),
      openRedaction: openRedactionOfEvents,
      write: writer.write,
    },
    reports: { database: pools.reports, workspaces, redaction },
    retention,
    depth: writer.depth,
    caughtUp: projector.caughtUp,
    start: async () => {
      // Flushes have another way: it must not keep the server from starting.
      const obstacle = await obstacleToChecksBySet(bySetDatabase).catch(describeDatabaseError);
      if (obstacle !== null) logger.warn({ obstacle }, `slower ingest: ${obstacle}`);
      await retryProjectionsAtBoot(database, logger);
      // The redaction rules take 60 ms of CPU, for which the first batch would wait. Without a database it does.
      await openRedactionOfEvents().catch(() => undefined);
    },
    drained: async () => {
      await writer.drained();
      await within(projector.caughtUp(), PROJECTIONS_GRACE_MS);
    },
    forget: () => {
      workspaces.forget();
      known.clear();
      redaction.switches.forget();
      retention.forget();
    },
  };
}
