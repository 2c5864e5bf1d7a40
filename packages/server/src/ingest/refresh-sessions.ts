import type { Database } from "../db/database.ts";
import { describeDatabaseError, isDataError } from "../db/database-errors.ts";
import { findOutdatedSessions, refreshSessions } from "../db/projections/project-sessions.ts";
import type { Logger } from "../logger.ts";
import { matchSessions } from "./match-git.ts";
import { retryConflicts } from "./retry-conflicts.ts";

const SESSIONS_PER_STATEMENT = 100;

/** Derives these sessions. */
export async function refresh(database: Database, ids: readonly string[]): Promise<void> {
  await retryConflicts(() => database.run((sql) => refreshSessions(sql, ids)));
}

/** Derives these sessions and matches git activity to them. */
export async function refreshAndMatch(database: Database, ids: readonly string[]): Promise<void> {
  await refresh(database, ids);
  await matchSessions(database, ids);
}

/**
 * Derives the sessions that are outdated: a process died after it had stored a report, or one of the version before wrote them.
 * Those whose data is refused are logged and left. Answers with the number of the others. Ends when
 * all are derived, or `hasTime` is false: the others are found by the next call.
 */
export async function refreshOutdatedSessions(
  database: Database,
  logger: Logger,
  hasTime: () => boolean = () => true,
): Promise<number> {
  let refreshed = 0;
  for (let last = ""; hasTime(); ) {
    const ids = await database.run((sql) => findOutdatedSessions(sql, last, SESSIONS_PER_STATEMENT));
    last = ids.at(-1) ?? "";
    if (ids.length === 0) break;
    try {
      await refreshAndMatch(database, ids);
      refreshed += ids.length;
    } catch (error) {
      if (!isDataError(error)) throw error;
      logger.warn(
        { session_ids: ids, reason: describeDatabaseError(error) },
        "outdated sessions cannot be derived",
      );
    }
  }
  return refreshed;
}
