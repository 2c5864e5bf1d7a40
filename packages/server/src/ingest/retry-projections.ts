import type { Database } from "../db/database.ts";
import { describeDatabaseError } from "../db/database-errors.ts";
import {
  type DueRow,
  makeUntriedRowsDue,
  QUEUE_LEASE_S,
  type SessionToMatch,
  takeDueRows,
  takeOverOldQueues,
} from "../db/projections/projection-queue.ts";
import type { Logger } from "../logger.ts";
import { matchOutdated, matchQueued } from "./match-git.ts";
import { logFailed, projectRows } from "./project-rows.ts";
import { refreshOutdatedSessions } from "./refresh-sessions.ts";

/** Of a thousand events each at most. */
const ROWS_AT_ONCE_MAX = 20;
/** Half of what the job may take: what is left is due for its next run. */
const JOB_BUDGET_MS = 30_000;
/** The server is not ready before; what is left is up to the job. */
const BOOT_BUDGET_MS = 5_000;

export type Retried = { rows: number; failed: number };

export type RetryOptions = {
  /** How old rows of the version before have to be. */
  age_s?: number;
  budgetMs?: number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

/**
 * Derives outdated sessions, and projects the rows of the queue that are due until the budget is used up: those of processes that ended
 * before they had projected them, and events that failed before. Then matches git activity of the version before. A job runs it each
 * minute. Throws when the database is unavailable.
 */
export async function retryProjections(
  database: Database,
  logger: Logger,
  { age_s = QUEUE_LEASE_S, budgetMs = JOB_BUDGET_MS, now = () => performance.now() }: RetryOptions = {},
): Promise<Retried> {
  const endMs = now() + budgetMs;
  await database.run((sql) => takeOverOldQueues(sql, age_s));
  await refreshOutdatedSessions(database, logger, () => now() < endMs - budgetMs / 2);
  const retried: Retried = { rows: 0, failed: 0 };
  while (now() < endMs) {
    const rows = await database.run((sql) => takeDueRows(sql, ROWS_AT_ONCE_MAX));
    if (rows.length === 0) break;
    const { failed, sessions } = await projectRows(
      database,
      rows.filter((row) => row.session_id === null),
    );
    logFailed(logger, failed);
    retried.rows += rows.length;
    retried.failed += failed.length;
    let toMatch = [...sessionsOf(rows), ...sessions];
    while (toMatch.length > 0 && now() < endMs) toMatch = await matchQueued(database, toMatch);
  }
  await matchOutdated(database, logger, () => now() < endMs);
  return retried;
}

function sessionsOf(rows: readonly DueRow[]): SessionToMatch[] {
  return rows.flatMap(({ id, session_id, after_id }) =>
    session_id === null ? [] : [{ id, session_id, after_id }],
  );
}

/** Before the server is ready, also what other processes may be projecting. A failure must not keep it from starting. */
export async function retryProjectionsAtBoot(database: Database, logger: Logger): Promise<void> {
  try {
    await database.run(makeUntriedRowsDue);
    await retryProjections(database, logger, { age_s: 0, budgetMs: BOOT_BUDGET_MS });
  } catch (error) {
    const reason = describeDatabaseError(error);
    logger.warn(
      { reason },
      "projections that an earlier process left open will be retried by a job within a minute",
    );
  }
}
