import type { Database } from "../db/database.ts";
import { describeDatabaseError, isUnavailable } from "../db/database-errors.ts";
import {
  dueProjectionRetries,
  finishProjectionRetry,
  noteFailedProjection,
  postponeProjection,
} from "../db/projections/projection-retries.ts";
import {
  findPending,
  finishPending,
  lastPendingId,
  type PendingProjection,
  projectAnew,
} from "../db/projections/projections.ts";
import type { Logger } from "../logger.ts";
import { matchGit } from "./match-git.ts";
import { projectPending } from "./project-pending.ts";
import { retryConflicts } from "./retry-conflicts.ts";

const REPAIR_EVENTS_MAX = 10_000;
/** Younger ones are under way in the process that stored them. */
export const LEFT_BEHIND_AFTER_MS = 10_000;
/** Of a thousand events each at most. */
const PENDING_PER_ROUND = 20;

export type Repaired = {
  /** Flushes whose projection was left undone. */
  resumed: number;
  /** Events whose projection had failed. */
  projected: number;
  failed: number;
};

/** Does what earlier flushes left undone: by a process that died, or because it failed. At boot and by a job. */
export async function repairIngest(
  database: Database,
  logger: Logger,
  age_ms = LEFT_BEHIND_AFTER_MS,
): Promise<Repaired> {
  const resumed = await resume(database, logger, age_ms);
  const due = await database.run((sql) => dueProjectionRetries(sql, REPAIR_EVENTS_MAX));
  let failed = 0;
  for (const eventId of due) if (!(await project(database, eventId, logger))) failed += 1;
  return { resumed, projected: due.length - failed, failed };
}

/** At boot, also what was stored just before. What cannot be repaired now is left to the job, and keeps no server from starting. */
export async function repairAtBoot(database: Database, logger: Logger): Promise<void> {
  try {
    await repairIngest(database, logger, 0);
  } catch (error) {
    const reason = describeDatabaseError(error);
    logger.warn(
      { reason },
      "projections that an earlier process left open will be retried by a job within a minute",
    );
  }
}

/** Up to what is there at the beginning: other processes go on. Answers with the number of flushes. */
async function resume(database: Database, logger: Logger, age_ms: number): Promise<number> {
  const lastId = await database.run((sql) => lastPendingId(sql, age_ms));
  if (lastId === null) return 0;
  for (let resumed = 0; ; ) {
    const pending = await database.run((sql) => findPending(sql, lastId, PENDING_PER_ROUND));
    if (pending.length === 0) return resumed;
    await resumeRound(database, logger, pending);
    resumed += pending.length;
  }
}

/** What fails for what it is would fail again, each minute, before all that comes after it: its events are tried one by one. */
async function resumeRound(
  database: Database,
  logger: Logger,
  pending: readonly PendingProjection[],
): Promise<void> {
  try {
    await projectPending(database, pending, { isRepeat: true });
  } catch (error) {
    if (isUnavailable(error)) throw error;
    const reason = describeDatabaseError(error);
    logger.warn({ reason }, "what flushes left undone failed again: their events are tried one by one");
    const eventIds = pending.flatMap((flush) => flush.event_ids);
    const ids = pending.map((flush) => flush.id);
    await database.run((sql) => noteFailedProjection(sql, eventIds, reason));
    await database.run((sql) => finishPending(sql, ids));
  }
}

/** One event at a time: each of these has failed before, and must not take the others along. */
async function project(database: Database, eventId: string, logger: Logger): Promise<boolean> {
  try {
    const found = await retryConflicts(() => database.run((sql) => projectAnew(sql, [eventId])));
    if (found.locked_event_ids !== null) throw new Error("its session is locked");
    const { unmatched_git_ids, session_ids } = found;
    await matchGit(database, unmatched_git_ids ?? [], session_ids ?? []);
    await database.run((sql) => finishProjectionRetry(sql, eventId));
    return true;
  } catch (error) {
    if (isUnavailable(error)) throw error;
    const reason = describeDatabaseError(error);
    logger.warn({ event_id: eventId, reason }, "an event's projection failed again");
    await database.run((sql) => postponeProjection(sql, eventId, reason));
    return false;
  }
}
