import type { Database } from "../db/database.ts";
import { describeDatabaseError, isDataError } from "../db/database-errors.ts";
import { noteFailedProjection } from "../db/projections/projection-retries.ts";
import {
  finishPending,
  type PendingProjection,
  projectOntoParents,
  type QuietSession,
} from "../db/projections/projections.ts";
import { matchGit } from "./match-git.ts";
import { retryConflicts } from "./retry-conflicts.ts";

/** A statement with 20,000 starts of sessions took five seconds, and with as many ends more than the ten that it may take. */
const EVENTS_PER_STATEMENT_MAX = 1_000;

export type ProjectionOptions = {
  /** Some of it may have been done before: then sessions that do not change any more may have changed without being matched. */
  isRepeat?: boolean;
  statement_max?: number;
};

export type ProjectionOutcome = {
  /** Sessions that stayed as they were. */
  quiet: QuietSession[];
  /** What is still to be done, since its sessions were locked; null if nothing is. */
  left: PendingProjection | null;
};

type Findings = {
  changedSessions: Set<string>;
  gitEvents: Set<string>;
  lockedEvents: string[];
  quiet: QuietSession[];
};

/**
 * Does what flushes have left to do: devices and sessions get what was said of them, then git activity is tied to sessions, then it is
 * noted as done. Each step is committed by itself, so that whoever matches last sees what all others have written; what
 * is cut off in between is done again, which changes nothing. Events whose data is refused are found by halving and noted for
 * the job that tries again. Throws when the database is away or too slow.
 */
export async function projectPending(
  database: Database,
  pending: readonly PendingProjection[],
  { isRepeat = false, statement_max = EVENTS_PER_STATEMENT_MAX }: ProjectionOptions = {},
): Promise<ProjectionOutcome> {
  const findings: Findings = {
    changedSessions: new Set(),
    gitEvents: new Set(),
    lockedEvents: [],
    quiet: [],
  };
  const eventIds = pending.flatMap((flush) => flush.event_ids);
  for (let from = 0; from < eventIds.length; from += statement_max)
    await projectEvents(database, eventIds.slice(from, from + statement_max), isRepeat, findings);
  await match(database, findings, statement_max);
  const ids = pending.map((flush) => flush.id);
  const left = await database.run((sql) => finishPending(sql, ids, findings.lockedEvents));
  return { quiet: findings.quiet, left };
}

async function projectEvents(
  database: Database,
  eventIds: readonly string[],
  isRepeat: boolean,
  findings: Findings,
): Promise<void> {
  try {
    const found = await retryConflicts(() => database.run((sql) => projectOntoParents(sql, eventIds)));
    const changed = isRepeat ? found.session_ids : found.changed_session_ids;
    for (const id of changed ?? []) findings.changedSessions.add(id);
    for (const id of found.unmatched_git_ids ?? []) findings.gitEvents.add(id);
    findings.lockedEvents.push(...(found.locked_event_ids ?? []));
    findings.quiet.push(...(found.quiet_sessions ?? []));
  } catch (error) {
    if (!isDataError(error)) throw error;
    if (eventIds.length === 1) {
      const reason = describeDatabaseError(error);
      await database.run((sql) => noteFailedProjection(sql, eventIds, reason));
      return;
    }
    const middle = Math.ceil(eventIds.length / 2);
    await projectEvents(database, eventIds.slice(0, middle), isRepeat, findings);
    await projectEvents(database, eventIds.slice(middle), isRepeat, findings);
  }
}

async function match(
  database: Database,
  { gitEvents, changedSessions }: Findings,
  statement_max: number,
): Promise<void> {
  const gitIds = [...gitEvents];
  const sessionIds = [...changedSessions];
  const length = Math.max(gitIds.length, sessionIds.length);
  for (let from = 0; from < length; from += statement_max) {
    const git = gitIds.slice(from, from + statement_max);
    const sessions = sessionIds.slice(from, from + statement_max);
    await matchGit(database, git, sessions);
  }
}
