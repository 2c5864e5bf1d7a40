import type { Database } from "../db/database.ts";
import { isTooSlow } from "../db/database-errors.ts";
import { findMatchable, matchGitActivity } from "../db/projections/git-activity.ts";
import { retryConflicts } from "./retry-conflicts.ts";

/** One session may hold hundreds of thousands of commits: matched by one statement, they exceeded its deadline each time. */
const ROWS_PER_STATEMENT_MAX = 250;

/**
 * Matches this git activity, and all that these sessions hold or held, to the sessions during which it happened. Each statement
 * is committed by itself, so that what is done stays done. Throws when the database is unavailable or too slow.
 */
export async function matchGit(
  database: Database,
  gitIds: readonly string[],
  sessionIds: readonly string[],
  rows_max = ROWS_PER_STATEMENT_MAX,
): Promise<void> {
  const ids =
    sessionIds.length === 0 ? gitIds : await database.run((sql) => findMatchable(sql, gitIds, sessionIds));
  for (let from = 0; from < ids.length; from += rows_max)
    await matchPortion(database, ids.slice(from, from + rows_max));
}

/** A statement that takes too long is taken again by halves. */
async function matchPortion(database: Database, ids: readonly string[]): Promise<void> {
  try {
    await retryConflicts(() => database.run((sql) => matchGitActivity(sql, ids)));
  } catch (error) {
    if (!isTooSlow(error) || ids.length === 1) throw error;
    const middle = Math.ceil(ids.length / 2);
    await matchPortion(database, ids.slice(0, middle));
    await matchPortion(database, ids.slice(middle));
  }
}
