import type { Database } from "../db/database.ts";
import { describeDatabaseError, isDataError } from "../db/database-errors.ts";
import { endIdleSessions, findIdleSessions } from "../db/edits/idle-sessions.ts";
import { matchSessions } from "../ingest/match-git.ts";
import { refreshLiveStates } from "../ingest/refresh-live-states.ts";
import type { Logger } from "../logger.ts";

const SESSIONS_MAX = 1_000;

export type Silence = { database: Database; logger: Logger; sessionIdleMs: number };

/**
 * Ends sessions that are silent for too long: all of them, or those in `only`. One whose data is refused is found by halving, and left
 * alone. Answers with their number.
 */
export async function endSilentSessions(
  { database, logger, sessionIdleMs }: Silence,
  only: readonly string[] | null = null,
): Promise<number> {
  const end = async (ids: readonly string[]) => {
    const ended = await database.run((sql) => endIdleSessions(sql, sessionIdleMs, ids));
    if (ended.length > 0) await matchSessions(database, ended);
    await refreshLiveStates(database, ended);
    return ended.length;
  };

  async function endByHalves(ids: readonly string[]): Promise<number> {
    try {
      return await end(ids);
    } catch (error) {
      if (!isDataError(error)) throw error;
      if (ids.length > 1) {
        const middle = Math.ceil(ids.length / 2);
        return (await endByHalves(ids.slice(0, middle))) + (await endByHalves(ids.slice(middle)));
      }
      logger.warn(
        { session_ids: ids, reason: describeDatabaseError(error) },
        "an inactive session could not be ended",
      );
      return 0;
    }
  }

  const ids = only ?? (await database.run((sql) => findIdleSessions(sql, sessionIdleMs, SESSIONS_MAX)));
  return ids.length === 0 ? 0 : await endByHalves(ids);
}
