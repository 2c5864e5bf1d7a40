import type { Database } from "../db/database.ts";
import { describeDatabaseError, isUnavailable } from "../db/database-errors.ts";
import { projectStoredEvents } from "../db/flush-events.ts";
import { type LatestFlushes, matchGitActivity, matchRecentGitActivity } from "../db/git-activity.ts";
import { dueProjectionRetries, postponeProjection } from "../db/projection-retries.ts";
import type { Logger } from "../logger.ts";

const REPAIR_EVENTS_MAX = 10_000;
/** A process that dies between a commit and the matching that follows it leaves the matching undone: the work of a second or two. */
const MATCH_WINDOW_MS = 10 * 60 * 1000;
/** Of these, the newest: 100,000 took four seconds. */
const MATCH_EVENTS_MAX = 20_000;

/** Does what earlier flushes left undone: projections that failed, and git activity that was not matched. At boot and by a job. */
export async function repairIngest(
  database: Database,
  logger: Logger,
  before: LatestFlushes["before"] = "now",
): Promise<{ projected: number; failed: number }> {
  const latest = { before, window_ms: MATCH_WINDOW_MS, events: MATCH_EVENTS_MAX };
  await database.run((sql) => matchRecentGitActivity(sql, latest));
  const due = await database.run((sql) => dueProjectionRetries(sql, REPAIR_EVENTS_MAX));
  let failed = 0;
  for (const eventId of due) if (!(await project(database, eventId, logger))) failed += 1;
  return { projected: due.length - failed, failed };
}

/** At boot, however long ago the last flush was. What cannot be repaired now is left to the job, and keeps no server from starting. */
export async function repairAtBoot(database: Database, logger: Logger): Promise<void> {
  try {
    await repairIngest(database, logger, "last flush");
  } catch (error) {
    const reason = describeDatabaseError(error);
    logger.warn({ reason }, "what an earlier process left undone is tried again by a job in a minute");
  }
}

/** One event at a time: each of these has failed before, and must not take the others along. */
async function project(database: Database, eventId: string, logger: Logger): Promise<boolean> {
  try {
    const output = await database.run((sql) => projectStoredEvents(sql, [eventId]));
    const { unmatched_git_ids, changed_session_ids } = output;
    await database.run((sql) => matchGitActivity(sql, unmatched_git_ids ?? [], changed_session_ids ?? []));
    return true;
  } catch (error) {
    if (isUnavailable(error)) throw error;
    const reason = describeDatabaseError(error);
    logger.warn({ event_id: eventId, reason }, "an event's projection failed again");
    await database.run((sql) => postponeProjection(sql, eventId, reason));
    return false;
  }
}
