import type { Database } from "../db/database.ts";
import { describeDatabaseError } from "../db/database-errors.ts";
import {
  makeUntriedRowsDue,
  QUEUE_LEASE_S,
  takeDueRows,
  takeOverOldQueues,
} from "../db/projections/projection-queue.ts";
import type { Logger } from "../logger.ts";
import { logFailed, projectRows } from "./project-rows.ts";
import { refreshOutdatedSessions } from "./refresh-sessions.ts";

/** Of a thousand events each at most. */
const ROWS_AT_ONCE_MAX = 20;

export type Retried = { rows: number; failed: number };

/**
 * Derives outdated sessions, and projects all rows of the queue that are due: those of processes that ended before they had projected
 * them, and events that failed before. A job runs it each minute. Throws when the database is unavailable.
 */
export async function retryProjections(
  database: Database,
  logger: Logger,
  age_s = QUEUE_LEASE_S,
): Promise<Retried> {
  await database.run((sql) => takeOverOldQueues(sql, age_s));
  await refreshOutdatedSessions(database, logger);
  const retried: Retried = { rows: 0, failed: 0 };
  for (;;) {
    const rows = await database.run((sql) => takeDueRows(sql, ROWS_AT_ONCE_MAX));
    if (rows.length === 0) return retried;
    const { failed } = await projectRows(database, rows);
    logFailed(logger, failed);
    retried.rows += rows.length;
    retried.failed += failed.length;
  }
}

/** Before the server is ready, also what other processes may be projecting. A failure must not keep it from starting. */
export async function retryProjectionsAtBoot(database: Database, logger: Logger): Promise<void> {
  try {
    await database.run(makeUntriedRowsDue);
    await retryProjections(database, logger, 0);
  } catch (error) {
    const reason = describeDatabaseError(error);
    logger.warn(
      { reason },
      "projections that an earlier process left open will be retried by a job within a minute",
    );
  }
}
