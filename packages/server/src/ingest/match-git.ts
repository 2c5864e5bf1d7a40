import type { Database } from "../db/database.ts";
import { describeDatabaseError, errorCode, isUnavailable } from "../db/database-errors.ts";
import { findMatchable, findOutdatedMatches, matchGitActivity } from "../db/projections/git-matches.ts";
import {
  advanceSessions,
  finishRows,
  type LeftEvents,
  queueSessions,
  retryDelayS,
  type SessionToMatch,
} from "../db/projections/projection-queue.ts";
import type { Logger } from "../logger.ts";
import { portionsOf } from "./portions.ts";
import { retryConflicts } from "./retry-conflicts.ts";

/** One session may hold hundreds of thousands of commits: matched by one statement, they exceeded its deadline each time. */
const ROWS_PER_STATEMENT_MAX = 250;
/** Readers wait for it, and the next round too. */
const MATCHED_AT_ONCE_MAX = 1_000;
const QUERY_CANCELED = "57014";

export type Matched = {
  /** Git activity beyond MATCHED_AT_ONCE_MAX. */
  unmatched: string[];
  /** Sessions that hold more than MATCHED_AT_ONCE_MAX together: none of theirs was matched. */
  crowded: readonly string[];
  /** By the id of git activity that could not be matched, the reason. */
  failed: Map<string, string>;
};

const AT_ONCE = { statement_max: ROWS_PER_STATEMENT_MAX, at_once_max: MATCHED_AT_ONCE_MAX };

/**
 * Matches this git activity, and all that these sessions are or may be matched to. Each statement is committed by itself, so that
 * what is done stays done. Throws when the database is unavailable.
 */
export async function matchGit(
  database: Database,
  gitIds: readonly string[],
  sessionIds: readonly string[],
  limits: Partial<typeof AT_ONCE> = {},
): Promise<Matched> {
  const { statement_max, at_once_max } = { ...AT_ONCE, ...limits };
  const isOfSessions = sessionIds.length > 0;
  // Without sessions, commits that replaced these are found besides them.
  const limit = isOfSessions ? at_once_max + 1 : gitIds.length + at_once_max;
  const found =
    isOfSessions || gitIds.length > 0
      ? await database.run((sql) => findMatchable(sql, gitIds, sessionIds, limit))
      : [];
  const isCrowded = isOfSessions && found.length > at_once_max;
  const ids = isCrowded ? gitIds : found;
  const failed = await matchPortions(database, ids.slice(0, at_once_max), statement_max);
  return { unmatched: ids.slice(at_once_max), crowded: isCrowded ? sessionIds : [], failed };
}

/** Matches to sessions that changed, or got transcripts, what may belong to them, or did; what is too much for now is queued. */
export async function matchSessions(database: Database, sessionIds: readonly string[]): Promise<void> {
  const { failed, crowded } = await matchGit(database, [], sessionIds);
  if (crowded.length > 0) await database.run((sql) => queueSessions(sql, crowded));
  const left = failedRows(failed);
  if (left.length > 0) await database.run((sql) => finishRows(sql, [], left));
}

/**
 * Matches the next MATCHED_AT_ONCE_MAX of what queued sessions hold; of many sessions, the first half that holds no more. What fails
 * is queued by itself. Answers with what is left. Throws when the database is unavailable.
 */
export async function matchQueued(
  database: Database,
  sessions: readonly SessionToMatch[],
  limits: Partial<typeof AT_ONCE> = {},
): Promise<SessionToMatch[]> {
  const { statement_max, at_once_max } = { ...AT_ONCE, ...limits };
  const [first, ...others] = sessions;
  if (first === undefined) return [];
  const sessionIds = sessions.map(({ session_id }) => session_id);
  // A session that is matched in part continues alone.
  const isAlone = others.length === 0;
  const after = isAlone ? first.after_id : "";
  const ids = await database.run((sql) => findMatchable(sql, [], sessionIds, at_once_max + 1, after));
  if (!isAlone && (ids.length > at_once_max || sessions.some(({ after_id }) => after_id !== ""))) {
    const middle = Math.ceil(sessions.length / 2);
    const left = await matchQueued(database, sessions.slice(0, middle), limits);
    return [...sessions.slice(middle), ...left];
  }
  const now = ids.slice(0, at_once_max);
  const failed = failedRows(await matchPortions(database, now, statement_max));
  if (failed.length > 0) await database.run((sql) => finishRows(sql, [], failed));
  const last = ids.length > at_once_max ? (now.at(-1) ?? null) : null;
  return await database.run((sql) => advanceSessions(sql, sessions, last));
}

/**
 * Matches what the version before matched by time alone, or stored during a rolling deployment. What cannot be matched is logged and left
 * for the next call. Ends when all is matched, or `hasTime` is false. Throws when the database is unavailable.
 */
export async function matchOutdated(
  database: Database,
  logger: Logger,
  hasTime: () => boolean,
): Promise<void> {
  for (let last = ""; hasTime(); ) {
    const ids = await database.run((sql) => findOutdatedMatches(sql, last, MATCHED_AT_ONCE_MAX));
    if (ids.length === 0) return;
    last = ids.at(-1) ?? last;
    const failed = await matchPortions(database, ids, ROWS_PER_STATEMENT_MAX);
    for (const [id, reason] of failed)
      logger.warn({ event_id: id, reason }, "git activity cannot be matched");
  }
}

async function matchPortions(
  database: Database,
  ids: readonly string[],
  statement_max: number,
): Promise<Map<string, string>> {
  const failed = new Map<string, string>();
  for (let from = 0; from < ids.length; from += statement_max)
    await matchPortion(database, ids.slice(from, from + statement_max), failed);
  return failed;
}

/** A portion that fails, or takes too long, is halved. */
async function matchPortion(
  database: Database,
  ids: readonly string[],
  failed: Map<string, string>,
): Promise<void> {
  try {
    await retryConflicts(() => database.run((sql) => matchGitActivity(sql, ids)));
  } catch (error) {
    if (isUnavailable(error) && errorCode(error) !== QUERY_CANCELED) throw error;
    const [first, ...others] = ids;
    if (first !== undefined && others.length === 0) {
      failed.set(first, describeDatabaseError(error));
      return;
    }
    const middle = Math.ceil(ids.length / 2);
    await matchPortion(database, ids.slice(0, middle), failed);
    await matchPortion(database, ids.slice(middle), failed);
  }
}

/** Projecting git activity again matches it. */
export function unmatchedRows(ids: readonly string[]): LeftEvents[] {
  const portions = [...portionsOf(ids, () => 1, MATCHED_AT_ONCE_MAX)];
  return portions.map((event_ids) => ({ event_ids, attempts: 0, last_error: null, retry_in_s: 0 }));
}

/** `attemptsOf`: how often the event's projection has failed before. */
export function failedRows(failed: ReadonlyMap<string, string>, attemptsOf = (_: string) => 0): LeftEvents[] {
  return [...failed].map(([id, reason]) => {
    const attempts = 1 + attemptsOf(id);
    return { event_ids: [id], attempts, last_error: reason, retry_in_s: retryDelayS(attempts) };
  });
}
