import { afterAll, afterEach, beforeAll } from "bun:test";
import { createJobRunner, type JobRunner } from "@wharf/job-runner";
import { clearRows, useTestDatabase } from "@wharf/testkit";
import type { Hono } from "hono";
import pino from "pino";
import { createApp } from "../app.ts";
import { createPostgresBlobStore } from "../blobs/postgres-store.ts";
import type { Database } from "../db/database.ts";
import { createDeleteInPieces } from "../db/delete-in-pieces.ts";
import { migratePhases } from "../db/phases.ts";
import { CONNECTIONS_DEFAULT } from "../db/pool-sizes.ts";
import { openPools } from "../db/pools.ts";
import type { Sql } from "../db/postgres.ts";
import { type Access, createAccess } from "../http/access.ts";
import type { AppEnv } from "../http/request-context.ts";
import { createFlush } from "../ingest/flush.ts";
import { createFlushRunner } from "../ingest/flush-runner.ts";
import { createKnownParents } from "../ingest/known-parents.ts";
import { projectRows } from "../ingest/project-rows.ts";
import { createProjector, type Projector } from "../ingest/projector.ts";
import { type Checked, createStore, sizeOfChecked } from "../ingest/store-checked.ts";
import { createWorkspaceResolver } from "../ingest/workspace-resolver.ts";
import { createWriteLanes } from "../ingest/write-lanes.ts";
import type { Writer } from "../ingest/writer.ts";
import { createServerJobs } from "../jobs/server-jobs.ts";
import { createSessionDeleter, createSessionDeletionJob } from "../jobs/session-deletion.ts";
import { DEFAULT_LIMITS, type Limits } from "../limits.ts";
import { createServerMetrics, type ServerMetrics } from "../metrics/server-metrics.ts";
import { createReadiness, type Readiness } from "../readiness.ts";

export type TestApp = {
  jobs: JobRunner;
  app: Hono<AppEnv>;
  access: Access;
  metrics: ServerMetrics;
  readiness: Readiness;
  reads: Database;
  writes: Database;
  /** Rows were deleted behind what the process remembers of devices, sessions and workspaces. */
  forgetParents(): void;
  writer: Writer<Checked>;
  projector: Projector;
};

export type TestServer = {
  /** The parts; there only inside tests and hooks. */
  current(): TestApp;
  readonly sql: Sql;
  readonly url: string;
  key: string;
  /**
   * A request with the admin key, without a port. `body`: text as it is, anything else as JSON. What it changed is projected when
   * it resolves, so that tests may look into the tables.
   */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<TestResponse>;
};

// biome-ignore lint/suspicious/noExplicitAny: a test states the fields that it expects.
export type TestResponse = { status: number; body: any; headers: Headers };

export type SetupOptions = {
  limits?: Partial<Limits>;
  now?: () => Date;
  /** Milliseconds of a clock for caches and rate limits. */
  monotonicNow?: () => number;
  logger?: pino.Logger;
  trustedProxies?: number;
  adminKey?: string;
  corsOrigins?: string[];
  /** How long a request waits for the deletion of a session. */
  deletionMs?: number;
  /** As for a database's role that may not leave foreign keys to the statement. */
  foreignKeysByRow?: boolean;
};

const KEY = `wharf_admin_${"k".repeat(43)}`;

/**
 * The whole server but for its port and its jobs, on a database of this file's own; all rows are cleared after each test.
 * Call it once at the top of a test file.
 */
export function setupApp(options: SetupOptions = {}): TestServer {
  const database = useTestDatabase({ migrate: migratePhases });
  let opened: (TestApp & { close(): Promise<unknown> }) | undefined;
  beforeAll(() => {
    opened = openApp(database.url, options);
  });
  afterEach(async () => {
    await opened?.writer.drained();
    await opened?.projector.caughtUp();
    await clearRows(database.sql);
    opened?.forgetParents();
  });
  afterAll(async () => {
    await opened?.close();
  });

  function current(): TestApp {
    if (opened) return opened;
    throw new Error("The app exists only inside tests and hooks.");
  }

  async function request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<TestResponse> {
    const response = await current().app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    await current().projector.caughtUp();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  }

  return {
    current,
    request,
    key: KEY,
    get sql() {
      return database.sql;
    },
    get url() {
      return database.url;
    },
  };
}

/** Without a test's life cycle: a second one on the same database, as another process has it. */
export function openApp(url: string, options: SetupOptions): TestApp & { close(): Promise<unknown> } {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const trustedProxies = options.trustedProxies ?? 0;
  const readiness = createReadiness();
  readiness.set("ready");
  const deadline_ms = limits.statement_deadline_ms;
  const pools = openPools({ url, connections: CONNECTIONS_DEFAULT, deadline_ms });
  const { reads, edits, keys, ingest: writes, health } = pools;
  const workspaces = createWorkspaceResolver(writes);
  const parents = createKnownParents();
  const logger = options.logger ?? pino({ level: "silent" });
  const forgetParents = () => {
    workspaces.forget();
    parents.clear();
  };
  const projector = createProjector({ projectRows: (rows) => projectRows(writes, rows), logger });
  const flush = createFlush({
    database: writes,
    runFlush: createFlushRunner({
      database: writes,
      bySetDatabase: options.foreignKeysByRow === true ? null : pools.flush,
    }),
    workspaces,
    parents,
    projector,
  });
  const writer = createWriteLanes<Checked>({
    flush: createStore({ flush, database: writes }),
    sizeOf: sizeOfChecked,
    queueMaxItems: limits.write_queue_events,
    queueMaxBytes: limits.write_queue_bytes,
  });
  const metrics = createServerMetrics();
  const access = createAccess({
    adminKey: options.adminKey ?? KEY,
    database: keys,
    limits,
    trustedProxies,
    onRefusal: (limit) => metrics.refusals.add(1, limit),
    ...(options.monotonicNow === undefined ? {} : { now: options.monotonicNow }),
  });
  const blobs = createPostgresBlobStore(pools.deferrable);
  const deleteInPieces = createDeleteInPieces(pools.deferrable);
  const deletionJob = createSessionDeletionJob(deleteInPieces);
  const jobs = createJobRunner({
    sql: pools.jobs,
    listenSql: pools.direct,
    jobs: [
      ...createServerJobs({ database: writes, deleteInPieces, blobs, logger, session_idle_ms: 1 }).map(
        ({ job }) => job,
      ),
      deletionJob,
    ],
    workerMode: "inspect",
    logger,
  });
  const app = createApp({
    jobs,
    access,
    logger,
    metrics,
    trustedProxies,
    corsOrigins: options.corsOrigins ?? [],
    queueDepth: writer.depth,
    caughtUp: projector.caughtUp,
    limits,
    readiness,
    health,
    reads,
    edits,
    deleteSession: createSessionDeleter({
      deleteInPieces,
      enqueue: (session_id) => jobs.enqueue(deletionJob, { session_id }),
      logger,
      ...(options.deletionMs === undefined ? {} : { request_ms: options.deletionMs }),
    }),
    ingest: {
      limits,
      now: options.now ?? (() => new Date()),
      write: writer.write,
    },
    reports: { database: pools.reports, workspaces },
  });
  return {
    app,
    jobs,
    access,
    metrics,
    readiness,
    reads,
    writes,
    forgetParents,
    writer,
    projector,
    close: pools.close,
  };
}
