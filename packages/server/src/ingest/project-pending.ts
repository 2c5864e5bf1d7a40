import type { Database } from "../db/database.ts";
import { describeDatabaseError, isDataError } from "../db/database-errors.ts";
import { matchGitActivity } from "../db/git-activity.ts";
import { noteFailedProjection } from "../db/projection-retries.ts";
import {
  deletePending,
  type PendingProjection,
  projectOntoParents,
  type QuietSession,
} from "../db/projections.ts";
import { retryConflicts } from "./retry-conflicts.ts";

/** A statement with 20,000 starts of sessions took five seconds, half of what a statement may take. */
const EVENTS_PER_STATEMENT_MAX = 5_000;

type Findings = { changedSessions: Set<string>; gitEvents: Set<string>; quiet: QuietSession[] };

/**
 * Does what flushes have left to do: devices and sessions get what was said of them, then git activity is tied to sessions, then it is
 * noted as done. Each step is committed by itself, so that whoever matches last sees what all others have written; what
 * is cut off in between is done again, which changes nothing. Events whose data is refused are found by halving and noted for
 * the job that tries again. Answers with the sessions that stayed as they were. Throws when the database is away or too slow.
 */
export async function projectPending(
  database: Database,
  pending: readonly PendingProjection[],
  statement_max = EVENTS_PER_STATEMENT_MAX,
): Promise<QuietSession[]> {
  const findings: Findings = { changedSessions: new Set(), gitEvents: new Set(), quiet: [] };
  const eventIds = pending.flatMap((flush) => flush.event_ids);
  for (let from = 0; from < eventIds.length; from += statement_max)
    await projectEvents(database, eventIds.slice(from, from + statement_max), findings);
  await match(database, findings, statement_max);
  const ids = pending.map((flush) => flush.id);
  await database.run((sql) => deletePending(sql, ids));
  return findings.quiet;
}

async function projectEvents(
  database: Database,
  eventIds: readonly string[],
  findings: Findings,
): Promise<void> {
  try {
    const found = await retryConflicts(() => database.run((sql) => projectOntoParents(sql, eventIds)));
    for (const id of found.changed_session_ids ?? []) findings.changedSessions.add(id);
    for (const id of found.unmatched_git_ids ?? []) findings.gitEvents.add(id);
    findings.quiet.push(...(found.quiet_sessions ?? []));
  } catch (error) {
    if (!isDataError(error)) throw error;
    if (eventIds.length === 1) {
      const reason = describeDatabaseError(error);
      await database.run((sql) => noteFailedProjection(sql, eventIds, reason));
      return;
    }
    const middle = Math.ceil(eventIds.length / 2);
    await projectEvents(database, eventIds.slice(0, middle), findings);
    await projectEvents(database, eventIds.slice(middle), findings);
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
    await retryConflicts(() => database.run((sql) => matchGitActivity(sql, git, sessions)));
  }
}
