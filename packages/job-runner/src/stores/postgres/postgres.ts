import type { Sql } from "postgres";
import {
  type Ack,
  type At,
  type Driver,
  type Enqueued,
  type EnqueueOptions,
  EVENT_DAYS,
  type Lease,
  MAX_ATTEMPTS_DEFAULT,
  type NewJob,
  type PostgresClient,
  type ReservedJob,
} from "../../contract/driver.ts";
import type { LeaseRefusal } from "../../contract/errors.ts";
import { checkedDriver } from "../checked-driver.ts";
import { toJobRecord } from "../job-row.ts";
import { postgresAdmin } from "./admin.ts";
import { createPostgresDurableStore } from "./durable.ts";
import { listenForHints } from "./hints.ts";
import { createGuardedPools, createPooledClient, reopen, STATEMENT_DEADLINE_MS } from "./pooled-client.ts";
import { explainRefusals, refuse } from "./refusals.ts";
import type { PostgresPool } from "./replaceable-pool.ts";
import { createPostgresReserve } from "./reserve.ts";
import { createPostgresScheduleStore } from "./schedules.ts";
import { cancelJob } from "./sql/cancel-job.ts";
import { completeJobs } from "./sql/complete-jobs.ts";
import { enqueueJob } from "./sql/enqueue-job.ts";
import { enqueueJobs } from "./sql/enqueue-jobs.ts";
import { enqueueOnce } from "./sql/enqueue-once.ts";
import { extendLease, extendLeases } from "./sql/extend-leases.ts";
import { failJob } from "./sql/fail-job.ts";
import { forgetEvents, forgetOrphans } from "./sql/forget-orphans.ts";
import { handOverJob } from "./sql/hand-over-job.ts";
import { forgetIdempotencyKeys, maintainArchive } from "./sql/maintain-archive.ts";
import { releaseJobs } from "./sql/release-jobs.ts";
import { replaceJobs } from "./sql/replace-jobs.ts";
import { retryJob } from "./sql/retry-job.ts";
import { selectDeadLetters, selectJob } from "./sql/select-jobs.ts";

export { type MigrateOptions, migrateJobs } from "./migrate-jobs.ts";
export { createReplaceablePool, type PostgresPool } from "./replaceable-pool.ts";

/** Found when the runner starts to listen, after its migrations; false: only poll. */
export type ListenSource = { sql(): Promise<Sql | false> };

export type PostgresDriverOptions = {
  /** A shared pool, or one that replaces itself. */
  readonly sql: Sql | PostgresPool;
  /** A pool whose options are used to LISTEN: with PgBouncer a direct one. False: only poll. Default: `sql`, if it is a shared pool. */
  readonly listenSql?: Sql | ListenSource | false;
  /** A pool for operations of operators (lists, queue figures, changes of many jobs). Default: `sql`. */
  readonly administrationSql?: Sql | PostgresPool;
  /** The time limit of a statement, after which a shared pool is replaced. Default 12 s. */
  readonly statementDeadlineMs?: number;
  /** Claim by pg_try_advisory_xact_lock(id) instead of FOR UPDATE SKIP LOCKED. */
  readonly useAdvisoryLocks?: boolean;
};

/** The main driver of the engine. */
export function createPostgresDriver(options: PostgresDriverOptions): Driver {
  const {
    sql,
    administrationSql = sql,
    useAdvisoryLocks,
    statementDeadlineMs = STATEMENT_DEADLINE_MS,
  } = options;
  const pools = createGuardedPools(statementDeadlineMs);
  const listenSql = options.listenSql ?? (typeof sql === "function" ? sql : false);
  return checkedDriver({
    ...createPostgresOperations(createPooledClient(pools.guarded(sql)), {
      administrationSql: createPooledClient(pools.guarded(administrationSql)),
      ...(useAdvisoryLocks === undefined ? {} : { useAdvisoryLocks }),
    }),
    name: "postgres",
    ...(listenSql === false
      ? {}
      : {
          listen: async (hints) => {
            const source = typeof listenSql === "function" ? listenSql : await listenSql.sql();
            if (source === false) return undefined;
            return listenForHints(() => reopen(source, { max: 1 }), hints, statementDeadlineMs);
          },
        }),
    endReplacements: pools.close,
  });
}

/** All operations except LISTEN, for any client that runs statements. Each is one statement and needs no transaction. */
export function createPostgresOperations(
  sql: PostgresClient,
  options: { readonly administrationSql: PostgresClient; readonly useAdvisoryLocks?: boolean },
): Omit<Driver, "name" | "listen"> {
  return {
    enqueue: (jobs, enqueueOptions) => enqueue(sql, jobs, enqueueOptions),
    reserve: createPostgresReserve(sql, options.useAdvisoryLocks ?? false),
    ack: (acks, at) => ack(sql, acks, at),
    extend: (leases, leaseMs, at) => extend(sql, leases, leaseMs, at),
    async handOver(job, request, at) {
      const [row] = await handOverJob(sql, job, request, at?.now);
      return row && toHandedOver(job, request.token, row.id);
    },
    async retry(lease, request, at) {
      const rows = await retryJob(sql, lease, request, at?.now);
      if (rows.length === 0) await refuse(sql, lease, at?.now);
    },
    async fail(lease, request, at) {
      const rows = await failJob(sql, lease, request, at?.now);
      if (rows.length === 0) await refuse(sql, lease, at?.now, ["completed", "failed"]);
    },
    async release(leases, at) {
      if (leases.length > 0) await releaseJobs(sql, leases, at?.now);
    },
    async cancel(jobId, reason, at) {
      return (await cancelJob(sql, jobId, reason, at?.now)).length > 0;
    },
    async get(jobId) {
      const [row] = await selectJob(sql, jobId);
      return row && toJobRecord(row);
    },
    async deadLetters(filter, page) {
      return (await selectDeadLetters(sql, filter, page)).map(toJobRecord);
    },
    ...postgresAdmin(options.administrationSql),
    async maintain(retention, at) {
      await maintainArchive(sql, retention.archiveDays);
      await forgetIdempotencyKeys(sql, retention.idempotencyKeyDays, at?.now);
      await forgetOrphans(sql, retention.archiveDays, at?.now);
      await forgetEvents(sql, retention.eventDays ?? EVENT_DAYS, at?.now);
    },
    ...createPostgresDurableStore(sql),
    ...createPostgresScheduleStore(sql),
  };
}

async function enqueue(
  sql: PostgresClient,
  jobs: readonly NewJob[],
  options: EnqueueOptions | undefined,
): Promise<Enqueued[]> {
  if (jobs.length === 0) return [];
  const client = options?.transaction ?? sql;
  if (jobs.every((job) => job.replaceKey !== undefined)) return replaceJobs(client, jobs, options?.now);
  if (jobs.some((job) => job.replaceKey !== undefined)) return enqueueMixed(sql, jobs, options);
  if (jobs.some((job) => job.idempotencyKey !== undefined)) return enqueueOnce(client, jobs, options?.now);
  const [only] = jobs;
  const isOne = jobs.length === 1 && only !== undefined;
  const rows = await (isOne
    ? enqueueJob(client, only, options?.now)
    : enqueueJobs(client, jobs, options?.now));
  return rows.map((row) => ({ id: row.id, existed: false }));
}

/** Two statements: one for jobs with a replace key, one for the others. */
async function enqueueMixed(
  sql: PostgresClient,
  jobs: readonly NewJob[],
  options: EnqueueOptions | undefined,
): Promise<Enqueued[]> {
  const replacing = jobs.filter((job) => job.replaceKey !== undefined);
  const others = jobs.filter((job) => job.replaceKey === undefined);
  const replaced = await enqueue(sql, replacing, options);
  const stored = await enqueue(sql, others, options);
  return jobs.flatMap((job) => (job.replaceKey === undefined ? stored : replaced).shift() ?? []);
}

/** One statement per token, because a join on (id, token) pairs made the planner scan; a claimed batch shares one token. */
async function ack(sql: PostgresClient, acks: readonly Ack[], at: At | undefined): Promise<LeaseRefusal[]> {
  const byToken = Map.groupBy(acks, (done) => done.token);
  const refusals = await Promise.all(
    [...byToken].map(async ([token, batch]) => {
      const ids = batch.map((done) => done.jobId);
      const { count } = await completeJobs(sql, { token, ids, outputs: outputsText(batch), now: at?.now });
      if (count === batch.length) return [];
      return explainRefusals(sql, batch, { now: at?.now, accepted: ["completed"] });
    }),
  );
  return refusals.flat();
}

async function extend(sql: PostgresClient, leases: readonly Lease[], leaseMs: number, at: At | undefined) {
  if (leases.length === 0) return [];
  const rows = await extendLeases(sql, leases, leaseMs, at?.now);
  const held = new Map(rows.map((row) => [`${row.id} ${row.lease_token}`, row.extended]));
  const missing = leases.filter((lease) => !held.has(`${lease.jobId} ${lease.token}`));
  const busy = leases.filter((lease) => held.get(`${lease.jobId} ${lease.token}`) === false);
  for (const lease of busy) {
    if ((await extendLease(sql, lease, leaseMs, at?.now)).length === 0) missing.push(lease);
  }
  return missing.length === 0 ? [] : explainRefusals(sql, missing, { now: at?.now, accepted: [] });
}

function outputsText(batch: readonly Ack[]): string | null {
  const outputs = batch.flatMap(({ jobId, output }) => (output === undefined ? [] : `"${jobId}":${output}`));
  return outputs.length === 0 ? null : `{${outputs.join(",")}}`;
}

function toHandedOver(job: NewJob, token: string, jobId: string): ReservedJob {
  return {
    jobId,
    token,
    queue: job.queue,
    type: job.type,
    payload: JSON.parse(job.payload),
    attempts: 0,
    maxAttempts: job.maxAttempts ?? MAX_ATTEMPTS_DEFAULT,
    recoveries: 0,
    timeoutMs: job.timeoutMs ?? null,
    concurrencyKey: null,
    waitedMs: 0,
  };
}
