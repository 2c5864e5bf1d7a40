import type { Database } from "../db/database.ts";
import { errorCode } from "../db/database-errors.ts";
import { type FlushInput, type FlushOutput, flushEvents } from "../db/ingest/flush-events.ts";

export type FlushRunner = (input: FlushInput) => Promise<FlushOutput>;

export type FlushRunnerOptions = {
  /** Connections on which foreign keys check every row. */
  database: Database;
  /** Connections that leave foreign keys to the statement (ADR 23); null: never. */
  bySetDatabase: Database | null;
  /** Called for each flush that is repeated with per-row checks. */
  onRetry?: () => void;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

/** A flush that yields was written completely and rolled back, so later flushes do not try while a deletion may be running. */
export const BY_ROW_AFTER_FAILURE_MS = 1_000;
/** Rights and poolers change seldom, and each try is a connection refused. */
export const BY_ROW_AFTER_REFUSAL_MS = 60_000;

/** By SQLSTATE, why a flush could not check itself what it stores, and for how long the constraints do. Nothing is stored then. */
const BY_ROW_MS: Readonly<Record<string, number>> = {
  // unique_violation: one of its events was stored while it looked for repeats. ON CONFLICT lets the others through.
  "23505": 0,
  // lock_not_available: a parent is being deleted, or rows that the flush needs are locked for long.
  "55P03": BY_ROW_AFTER_FAILURE_MS,
  // object_not_in_prerequisite_state: a trigger would not fire.
  "55000": BY_ROW_AFTER_FAILURE_MS,
  // too_many_connections: the others may be open already.
  "53300": BY_ROW_AFTER_FAILURE_MS,
  // insufficient_privilege and, from a pooler that does not know the setting, protocol_violation.
  "42501": BY_ROW_AFTER_REFUSAL_MS,
  "08P01": BY_ROW_AFTER_REFUSAL_MS,
};

/** Runs a flush with batched checks if possible, otherwise with per-row checks; the result is the same. */
export function createFlushRunner(options: FlushRunnerOptions): FlushRunner {
  const { database, bySetDatabase, onRetry, now = () => performance.now() } = options;
  let byRowUntil_ms = Number.NEGATIVE_INFINITY;

  return async function runFlush(input) {
    if (bySetDatabase !== null && now() >= byRowUntil_ms) {
      try {
        return await bySetDatabase.run((sql) => flushEvents(sql, input, "by-set"));
      } catch (error) {
        const byRow_ms = BY_ROW_MS[errorCode(error) ?? ""];
        if (byRow_ms === undefined) throw error;
        byRowUntil_ms = now() + byRow_ms;
        onRetry?.();
      }
    }
    return await database.run((sql) => flushEvents(sql, input, "by-row"));
  };
}
