import { boundedTo } from "./bounded-database.ts";
import { type Database, openDatabase, openLater } from "./database.ts";
import { withFewerConnections } from "./fewer-connections.ts";
import { createHealthProbe, type HealthProbe } from "./health-probe.ts";
import { CONNECTIONS_AMPLE, type PoolName, poolSizesOf, sharesOf } from "./pool-sizes.ts";
import { openPooledDatabase } from "./pooled-database.ts";
import { createPoolerCheck, type FindPooler } from "./pooler.ts";
import {
  closeDb,
  createDb,
  type DbOptions,
  isPooled as isPooledSql,
  type Sql,
  STATEMENT_TIMEOUT_MS,
} from "./postgres.ts";
import { withReplica } from "./replica.ts";

/** People pause between two pages: over a new connection the next one takes 25 ms instead of 4. */
const INTERACTIVE_IDLE_TIMEOUT_S = 300;
/** Postgres ends a slow statement before its client would, which replaces the whole pool. */
const STATEMENT_TIMEOUT_SHARE = 0.8;
/**
 * A row that a forgotten transaction holds locked must stop neither flushes nor rounds of other sessions. Above Postgres' deadlock_timeout,
 * which resolves most waits first.
 */
const BACKGROUND_LOCK_TIMEOUT_MS = 2_000;
/** Longer than Postgres' own statement_timeout. */
const JOBS_DEADLINE_MS = STATEMENT_TIMEOUT_MS + 2_000;
/** What the drain has not ended by then is not waited for any longer. */
const JOBS_CLOSE_TIMEOUT_S = 1;

export type Pools = {
  /** Flushes that check foreign keys themselves. */
  flush: Database;
  /** Of the background pool: what flushes need besides, and projection rounds. */
  ingest: Database;
  /** Of the background pool: reports of sessions, which may wait for a locked session. */
  reports: Database;
  /** Of the background pool: deletions, blobs and recurring jobs. */
  deferrable: Database;
  /** Of the interactive pool: lists and other reads; rows as they go out in JSON, as on all of this pool. */
  reads: Database;
  /** Of the interactive pool: what people change. */
  edits: Database;
  /** Of the interactive pool: look-ups of keys and codes. */
  keys: Database;
  /** The job engine. */
  jobs: Database;
  /** Of the jobs pool: what operators do with jobs. */
  jobAdministration: Database;
  /** Past a pooler, where there is an address for that: to migrate. */
  direct(): Promise<Sql>;
  /** Its options serve to LISTEN; false behind a pooler that there is no way past, and with too few connections: then there is polling. */
  listen: { sql(): Promise<Sql | false> };
  health: HealthProbe;
  close(): Promise<void>;
};

export type PoolOptions = {
  url: string;
  /** Past a pooler. Default: `url`. */
  directUrl?: string | undefined;
  /** A replica for reads. */
  readUrl?: string | undefined;
  /** Default: no pooler. */
  findPooler?: FindPooler;
  /** All that this process may open. */
  connections: number;
  /** The longest wait for a statement of a request. */
  deadlineMs: number;
  /** Postgres refused a connection of the pool (53300), which works with those that it has. */
  onRefused?: (pool: PoolName) => void;
  /** Why a database of our own does not answer, where that is known. */
  problem?: () => string | null;
  /** Counts and times what runs on a pool. */
  measure?: Measure;
};

type Measure = (pool: PoolName | "replica", max: number) => (database: Database) => Database;
type PoolSettings = DbOptions & { deadlineMs?: number; closeTimeoutS?: number };

/**
 * The five pools of a process. Each part of a pool that may be slow is bounded below the pool's size, so that the others always
 * find a connection: a slow list keeps no edit and no event waiting, and an operator's list keeps no worker waiting.
 */
export function openPools(options: PoolOptions): Pools {
  const { url, directUrl, deadlineMs, measure = () => (database) => database } = options;
  const { findPooler } = options;
  const isPooled = async () => (await findPooler?.())?.isPooled ?? false;
  const sizes = poolSizesOf(options.connections);
  const shares = sharesOf(sizes);
  const opened: Database[] = [];

  /** Answers what opens a part of the pool: at most so many queries at once. */
  function open(name: PoolName, settings: PoolSettings) {
    const max = sizes[name];
    const statementTimeoutMs = Math.ceil(deadlineMs * STATEMENT_TIMEOUT_SHARE);
    const common = { applicationName: `wharf-${name}`, max, deadlineMs, statementTimeoutMs };
    const pool = { ...common, ...settings };
    // Each statement of the job engine stands for itself, and needs no setting.
    const openPool = (pooled: boolean) =>
      pooled && name !== "jobs"
        ? openPooledDatabase(url, pool)
        : openDatabase(url, { ...pool, isPooled: pooled });
    const database =
      findPooler === undefined ? openPool(false) : openLater(async () => openPool(await isPooled()));
    opened.push(database);
    const { deadlineMs: waitMs } = pool;
    const onRefused = () => options.onRefused?.(name);
    const some = withFewerConnections(database, { max, deadlineMs: waitMs, onRefused });
    const measured = measure(name, max);
    return (share = max) => measured(share < max ? boundedTo(share, some, waitMs) : some);
  }

  const flush = open("flush", { plansByIndex: true, foreignKeysByRow: false });
  const background = open("background", { plansByIndex: true, lockTimeoutMs: BACKGROUND_LOCK_TIMEOUT_MS });
  const interactive = open("interactive", { wireTypes: true, idleTimeoutS: INTERACTIVE_IDLE_TIMEOUT_S });
  const jobs = open("jobs", {
    deadlineMs: JOBS_DEADLINE_MS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    closeTimeoutS: JOBS_CLOSE_TIMEOUT_S,
  });
  const openDirect = (pooled: boolean) =>
    createDb(directUrl ?? url, { applicationName: "wharf-direct", max: 1, isPooled: pooled });
  let openedDirect: Sql | undefined;
  async function direct(): Promise<Sql> {
    const pooled = directUrl === undefined && (await isPooled());
    openedDirect ??= openDirect(pooled);
    return openedDirect;
  }

  const keys = interactive(shares.keys);
  const ownReads = interactive(shares.reads);
  const replica =
    options.readUrl === undefined ? null : openReplica(options.readUrl, shares.reads, deadlineMs);
  if (replica !== null) opened.push(replica);
  const isAmple = options.connections >= CONNECTIONS_AMPLE;
  const over = isAmple ? undefined : keys;
  const health = createHealthProbe(url, { problem: options.problem, isPooled, over, whenRefused: keys });
  return {
    flush: flush(),
    ingest: background(),
    reports: background(shares.reports),
    deferrable: background(shares.deferrable),
    reads: replica === null ? ownReads : withReplica(ownReads, measure("replica", shares.reads)(replica)),
    edits: shares.edits === 0 ? ownReads : interactive(shares.edits),
    keys,
    jobs: jobs(),
    jobAdministration: jobs(shares.jobAdministration),
    direct,
    listen: {
      sql: async () => {
        if (!isAmple) return false;
        const sql = await direct();
        return isPooledSql(sql) ? false : sql;
      },
    },
    health,
    close: async () => {
      if (openedDirect !== undefined) await closeDb(openedDirect);
      await Promise.all([...opened, health].map((pool) => pool.close()));
    },
  };
}

/** With the settings of the interactive pool. Its connections are not those of the primary, which WHARF_DB_CONNECTIONS counts. */
function openReplica(url: string, max: number, deadlineMs: number): Database {
  const findPooler = createPoolerCheck(url, undefined);
  const statementTimeoutMs = Math.ceil(deadlineMs * STATEMENT_TIMEOUT_SHARE);
  const settings = { applicationName: "wharf-replica", max, deadlineMs, statementTimeoutMs, wireTypes: true };
  return openLater(async () => {
    const { isPooled } = await findPooler();
    return isPooled ? openPooledDatabase(url, settings) : openDatabase(url, { ...settings, isPooled });
  });
}
