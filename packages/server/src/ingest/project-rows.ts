import type { Database } from "../db/database.ts";
import {
  describeDatabaseError,
  errorCode,
  isLocked,
  isOutOfSpace,
  isUnavailable,
} from "../db/database-errors.ts";
import {
  finishRows,
  type LeftEvents,
  QUEUE_LEASE_S,
  type QueueRow,
  queueSessions,
  type SessionToMatch,
} from "../db/projections/projection-queue.ts";
import type { Logger } from "../logger.ts";
import { failedRows, matchGit, unmatchedRows } from "./match-git.ts";
import { portionsOf } from "./portions.ts";
import { projectEvents } from "./project-events.ts";

/** A statement with 20,000 starts of sessions took five seconds, and with as many ends more than the ten that it may take. */
const EVENTS_PER_STATEMENT_MAX = 1_000;
/**
 * Portions that are halved in one round: enough for the failing event of each of six portions. A batch in which each event fails took
 * ten minutes, during which no other event was projected.
 */
const HALVED_MAX = 64;
const DELAYED_RETRY_S = 60;
const LOCKED = "its session or device is locked by a transaction";
const QUERY_CANCELED = "57014";

export type FailedEvent = {
  event_id: string;
  reason: string;
  /** No more attempts follow. */
  isSetAside: boolean;
};

/** Rows that were queued in place of those that were projected, and what failed. */
export type Projected = {
  /** Events whose session or device a transaction holds locked. */
  locked: QueueRow[];
  /** Git activity that is still to be matched. */
  unmatched: QueueRow[];
  /** Sessions whose git activity is still to be matched. */
  sessions: SessionToMatch[];
  failed: FailedEvent[];
};

type Findings = {
  changedSessions: Set<string>;
  unmatchedGit: Set<string>;
  locked: Set<string>;
  /** By event id, the reason. */
  failed: Map<string, string>;
  /** Portions that were halved. */
  halved: number;
  /** Portions that failed after HALVED_MAX others: they are retried later. */
  delayed: LeftEvents[];
};

/**
 * Projects the events of these rows, matches git activity to the sessions that changed, and removes the rows from the queue. Each
 * statement is committed separately, and repeating it changes nothing: work that was cut off is done again. A portion that fails is
 * halved until the failing event is alone; it is queued by itself, with the reason and the time of its next attempt.
 * Throws when the database is unavailable; the rows stay as they were.
 */
export async function projectRows(
  database: Database,
  rows: readonly QueueRow[],
  statement_max = EVENTS_PER_STATEMENT_MAX,
): Promise<Projected> {
  const findings: Findings = {
    changedSessions: new Set(),
    unmatchedGit: new Set(),
    locked: new Set(),
    failed: new Map(),
    halved: 0,
    delayed: [],
  };
  const ids = [...new Set(rows.flatMap((row) => row.event_ids))];
  for (const portion of portionsOf(ids, () => 1, statement_max))
    await projectPortion(database, portion, findings);
  const { changedSessions, unmatchedGit, failed } = findings;
  const matched = await matchGit(database, [...unmatchedGit], [...changedSessions]);
  for (const [id, reason] of matched.failed) failed.set(id, reason);
  const { crowded } = matched;
  const sessions = crowded.length === 0 ? [] : await database.run((sql) => queueSessions(sql, crowded));
  const attemptsOf = (id: string) => rows.find(({ event_ids }) => event_ids.includes(id))?.attempts ?? 0;
  const left = [
    ...lockedRows(rows, findings.locked),
    ...unmatchedRows(matched.unmatched),
    ...findings.delayed,
    ...failedRows(failed, attemptsOf),
  ];
  const done = rows.map((row) => row.id);
  const queued = await database.run((sql) => finishRows(sql, done, left));
  return {
    locked: queued.filter((row) => row.last_error === LOCKED),
    unmatched: queued.filter((row) => row.last_error === null),
    sessions,
    failed: [...failed].map(([event_id, reason]) => ({
      event_id,
      reason,
      isSetAside: left.some((l) => l.retry_in_s === null && l.event_ids.includes(event_id)),
    })),
  };
}

async function projectPortion(database: Database, ids: readonly string[], findings: Findings): Promise<void> {
  try {
    const projected = await projectEvents(database, ids);
    for (const id of projected.changedSessions) findings.changedSessions.add(id);
    for (const id of projected.unmatchedGit) findings.unmatchedGit.add(id);
    for (const id of projected.locked) findings.locked.add(id);
  } catch (error) {
    if (isOutOfSpace(error) || (isUnavailable(error) && errorCode(error) !== QUERY_CANCELED)) throw error;
    const [first, ...others] = ids;
    if (isLocked(error)) for (const id of ids) findings.locked.add(id);
    else if (first !== undefined && others.length === 0)
      findings.failed.set(first, describeDatabaseError(error));
    else if (findings.halved >= HALVED_MAX) {
      const last_error = describeDatabaseError(error);
      findings.delayed.push({ event_ids: ids, attempts: 0, last_error, retry_in_s: DELAYED_RETRY_S });
    } else {
      findings.halved += 1;
      const middle = Math.ceil(ids.length / 2);
      await projectPortion(database, ids.slice(0, middle), findings);
      await projectPortion(database, ids.slice(middle), findings);
    }
  }
}

/** A lock is no failed attempt. */
function lockedRows(rows: readonly QueueRow[], locked: ReadonlySet<string>): LeftEvents[] {
  if (locked.size === 0) return [];
  return rows.flatMap(({ event_ids, attempts }) => {
    const left = event_ids.filter((id) => locked.has(id));
    if (left.length === 0) return [];
    return { event_ids: left, attempts, last_error: LOCKED, retry_in_s: QUEUE_LEASE_S };
  });
}

/** One line for each event. */
export function logFailed(logger: Logger, failed: readonly FailedEvent[]): void {
  for (const { event_id, reason, isSetAside } of failed) {
    if (isSetAside) logger.error({ event_id, reason }, "event set aside: its projection failed too often");
    else logger.warn({ event_id, reason }, "projection of an event failed; it will be retried");
  }
}
