import { one } from "@wharf/job-runner";
import {
  type ConnectionReading,
  ConnectionStringError,
  readConnectionString,
} from "@wharf/job-runner/connection";
import postgres from "postgres";
import { StorageError } from "../errors.ts";
import type { Database } from "./database.ts";
import { describeDatabaseError, errorCode, TOO_MANY_CONNECTIONS } from "./database-errors.ts";
import { withDeadline } from "./deadline.ts";
import { wireSettings, wireTypes } from "./wire-types.ts";

export type Sql = postgres.Sql;
/** A part of a statement. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>;

export type DbOptions = {
  /** Connections in the pool. */
  max?: number;
  /** Shown in pg_stat_activity. */
  applicationName?: string;
  /**
   * The address is a pooler in transaction mode (see pooler.ts): connections are started without settings, which the pooler would refuse
   * or share with other clients, and prepare nothing. Default: `pgbouncer=true` in the connection string.
   */
  isPooled?: boolean;
  connectTimeoutS?: number;
  /** Default STATEMENT_TIMEOUT_MS. */
  statementTimeoutMs?: number;
  /** How long a statement waits for a lock; without it, as long as it may take. Callers see SQLSTATE 55P03. */
  lockTimeoutMs?: number;
  /** A connection that was unused for so long is closed. */
  idleTimeoutS?: number;
  /**
   * Plan each prepared statement once, and by index. Planning the flush again costs as much as running a small one; and a plan
   * made while a table was small must not scan it when it has grown. Never compiled: that takes longer than any flush.
   */
  plansByIndex?: boolean;
  /**
   * False only for statements that check the parents of what they write themselves (see parent-checks.ts): the connection then
   * leaves out the foreign keys' checks, and every trigger that is not enabled always. The role has to be allowed to.
   */
  foreignKeysByRow?: boolean;
  /** Rows are read as they go out in JSON: see wire-types.ts. */
  wireTypes?: boolean;
};

export type DbHealth = { ok: boolean; latency_ms: number; error?: string; replication?: Replication };

/**
 * As the primary shows it. `asynchronous`: what a standby has not received yet is lost when it takes over. `synchronous`: a commit waits
 * for a standby, without end if none is connected.
 */
export type Replication = { mode: "none" | "asynchronous" | "synchronous"; standbys: number };

type ServerState = { is_read_only: boolean; is_synchronous: boolean; standbys: number };

const POOL_MAX_CONNECTIONS = 10;
const POOL_IDLE_TIMEOUT_S = 20;
const POOL_CONNECT_TIMEOUT_S = 10;
/** The driver's own backoff waits up to 12 s after Postgres is back. */
const RECONNECT_BACKOFF_MAX_S = 0.5;
/** The server gives up on a statement after this long; callers see SQLSTATE 57014. */
export const STATEMENT_TIMEOUT_MS = 10_000;
export const HEALTH_TIMEOUT_MS = 5_000;
export const POOL_CLOSE_TIMEOUT_S = 5;

/**
 * Below Postgres' deadlock_timeout: who deletes by hand may wait for a flush that waits for him, and of the two it is the flush that
 * yields. Two large flushes wait for each other's rows for less.
 */
const BY_SET_LOCK_TIMEOUT_MS = 500;

type SessionSettings = { application_name: string; [name: string]: string | number };

/** Not settings, or without an effect on the transaction that sets them. */
const ONLY_AT_START = new Set(["options", "application_name", "default_transaction_isolation"]);

/** How a transaction begins, by the pool that it is opened like. */
const beginnings = new WeakMap<Sql, string>();

const plansByIndex = { plan_cache_mode: "force_generic_plan", enable_seqscan: "off", jit: "off" } as const;

const checksBySet = {
  session_replication_role: "replica",
  // hold_parents has to see rows committed after the flush began, with any default of the database.
  default_transaction_isolation: "read committed",
  lock_timeout: BY_SET_LOCK_TIMEOUT_MS,
} as const;

/**
 * A connection pool. Connects lazily, so an unavailable database shows in the first query, not here.
 * Throws StorageError STORAGE_DB_URL_MISSING without a connection string, STORAGE_DB_URL_INVALID for one that does not parse.
 */
export function createDb(connectionString: string | undefined, options: DbOptions = {}): Sql {
  if (connectionString === undefined || connectionString.trim() === "") {
    throw new StorageError("DATABASE_URL environment variable is required.", "STORAGE_DB_URL_MISSING");
  }
  const target = readTarget(connectionString);
  const settings = {
    connect_timeout: POOL_CONNECT_TIMEOUT_S,
    ...target.options,
    max: options.max ?? POOL_MAX_CONNECTIONS,
    idle_timeout: options.idleTimeoutS ?? POOL_IDLE_TIMEOUT_S,
    ...(options.connectTimeoutS === undefined ? {} : { connect_timeout: options.connectTimeoutS }),
    backoff: reconnectBackoffSeconds,
    onnotice: () => undefined,
    ...(options.wireTypes === true ? { types: wireTypes } : {}),
  };
  const isPooled = options.isPooled ?? target.isPooled;
  const session = { ...sessionSettings(options), ...target.settings };
  const start = isPooled
    ? // The driver sends none that is empty.
      { prepare: false, connection: { application_name: "" } }
    : { connection: session };
  try {
    const sql = postgres({ ...settings, ...start });
    if (isPooled) beginnings.set(sql, beginWith(session));
    return sql;
  } catch {
    // The driver's own error may hold the password: it must not travel on as a cause.
    throw invalidConnectionString("the driver refuses it");
  }
}

function sessionSettings(options: DbOptions): SessionSettings {
  return {
    application_name: options.applicationName ?? "wharf",
    statement_timeout: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    ...(options.plansByIndex === true ? plansByIndex : {}),
    ...(options.lockTimeoutMs === undefined ? {} : { lock_timeout: options.lockTimeoutMs }),
    ...(options.foreignKeysByRow === false ? checksBySet : {}),
    ...(options.wireTypes === true ? wireSettings : {}),
  };
}

/** How a transaction begins: behind a pooler with the settings that other connections have from their start. */
export function beginOf(sql: Sql): string {
  return beginnings.get(sql) ?? "BEGIN";
}

export function isPooled(sql: Sql): boolean {
  return beginnings.has(sql);
}

function beginWith(settings: SessionSettings): string {
  const quoted = (value: string | number) => `'${String(value).replaceAll("'", "''")}'`;
  const list = Object.entries(settings)
    .filter(([name]) => !ONLY_AT_START.has(name))
    .map(([name, value]) => `set_config(${quoted(name)}, ${quoted(value)}, true)`);
  return `BEGIN ISOLATION LEVEL READ COMMITTED; SELECT ${list.join(", ")}`;
}

/** What of a connection string may be shown. Throws StorageError STORAGE_DB_URL_INVALID. */
export function describeConnectionString(
  connectionString: string,
): Pick<ConnectionReading, "address" | "ignored" | "isPooled"> {
  const { address, ignored, isPooled } = readTarget(connectionString);
  return { address, ignored, isPooled };
}

function readTarget(connectionString: string) {
  try {
    return readConnectionString(connectionString);
  } catch (error) {
    throw invalidConnectionString(
      error instanceof ConnectionStringError ? error.message : "it cannot be read",
    );
  }
}

/**
 * Whether the database answers within HEALTH_TIMEOUT_MS and takes writes. Never throws. Where Postgres has no connection left for `sql`,
 * `whenRefused` is asked, which has one.
 */
export async function checkDbHealth(
  sql: Sql | PromiseLike<Sql>,
  whenRefused?: Pick<Database, "run">,
): Promise<DbHealth> {
  const state = readState(sql).catch((error: unknown) => {
    if (errorCode(error) !== TOO_MANY_CONNECTIONS || whenRefused === undefined) throw error;
    return whenRefused.run(readState);
  });
  return await judge(state);
}

/** The same over a connection of a pool. */
export async function checkDbHealthOver(database: Pick<Database, "run">): Promise<DbHealth> {
  return await judge(database.run(readState));
}

async function judge(state: Promise<ServerState>): Promise<DbHealth> {
  const startedAt = performance.now();
  const elapsed = () => Math.round((performance.now() - startedAt) * 100) / 100;
  try {
    const { is_read_only, is_synchronous, standbys } = await withDeadline(state, HEALTH_TIMEOUT_MS);
    if (is_read_only) return { ok: false, latency_ms: elapsed(), error: READ_ONLY };
    const mode = is_synchronous ? "synchronous" : standbys > 0 ? "asynchronous" : "none";
    return { ok: true, latency_ms: elapsed(), replication: { mode, standbys } };
  } catch (error) {
    return { ok: false, latency_ms: elapsed(), error: describeDatabaseError(error) };
  }
}

const READ_ONLY =
  "the database is read-only: it is a standby, or default_transaction_read_only is on; with several hosts, set target_session_attrs=primary";

/** A role without pg_monitor sees of each standby only that it is there. */
async function readState(opening: Sql | PromiseLike<Sql>): Promise<ServerState> {
  const sql = await opening;
  const rows = await sql<ServerState[]>`
    SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only,
      current_setting('synchronous_standby_names') <> ''
        AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS is_synchronous,
      (SELECT count(*)::int FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup') AS standbys`;
  return one(rows);
}

/** Ends a pool within POOL_CLOSE_TIMEOUT_S, also when its server no longer answers. */
export async function closeDb(sql: Sql): Promise<void> {
  await sql.end({ timeout: POOL_CLOSE_TIMEOUT_S });
}

function invalidConnectionString(reason: string): StorageError {
  return new StorageError(
    `DATABASE_URL is not a valid connection string: ${reason}.`,
    "STORAGE_DB_URL_INVALID",
  );
}

function reconnectBackoffSeconds(retries: number): number {
  return Math.min(0.05 * 2 ** retries, RECONNECT_BACKOFF_MAX_S);
}
