import type { Database } from "../db/database.ts";
import { describeDatabaseError } from "../db/database-errors.ts";
import { matchGitActivity } from "../db/git-activity.ts";
import { retryConflicts } from "./retry-conflicts.ts";

export type GitMatcher = {
  /**
   * Ties the git activity to its sessions, and all that the sessions hold or held. Resolves when that is done or has failed:
   * what fails is tried once more after the next round that does not, and what was lost with its process at boot and by a job
   * (repair.ts). Never rejects.
   */
  match(gitIds: readonly string[], sessionIds: readonly string[]): Promise<void>;
};

export type GitMatcherOptions = {
  database: Database;
  onFailure?: (reason: string) => void;
};

/** Git activity and sessions, each, that are kept for another try; beyond it the oldest are dropped. */
const FAILED_IDS_MAX = 20_000;
/** One connection, since there is one round at a time. */
export const MATCHING_CONNECTIONS = 1;

type Ids = { gitIds: readonly string[]; sessionIds: readonly string[] };
type Round = { gitIds: string[]; sessionIds: string[]; done: Promise<void> };

const NOTHING: Ids = { gitIds: [], sessionIds: [] };

/**
 * One round of matching at a time; what comes meanwhile is gathered for the next one. Most of a round's cost is the same for one
 * commit and for fifty, and two rounds side by side would wait for each other's rows.
 */
export function createGitMatcher({ database, onFailure }: GitMatcherOptions): GitMatcher {
  let gathering: Round | null = null;
  let last: Promise<void> = Promise.resolve();
  let failed = NOTHING;

  function match(gitIds: readonly string[], sessionIds: readonly string[]): Promise<void> {
    gathering ??= startRound();
    gathering.gitIds.push(...gitIds);
    gathering.sessionIds.push(...sessionIds);
    return gathering.done;
  }

  function startRound(): Round {
    const gitIds: string[] = [];
    const sessionIds: string[] = [];
    last = last.then(() => {
      gathering = null;
      return runRound({ gitIds, sessionIds });
    });
    return { gitIds, sessionIds, done: last };
  }

  async function runRound(ids: Ids): Promise<void> {
    if (!(await tryToMatch(ids))) {
      failed = latestOf(failed, ids);
      return;
    }
    const again = failed;
    failed = NOTHING;
    // By themselves, and once: if they fail for what they are, they must not take every later round along.
    if (again !== NOTHING) await tryToMatch(again);
  }

  async function tryToMatch({ gitIds, sessionIds }: Ids): Promise<boolean> {
    try {
      await retryConflicts(() => database.run((sql) => matchGitActivity(sql, gitIds, sessionIds)));
      return true;
    } catch (error) {
      onFailure?.(describeDatabaseError(error));
      return false;
    }
  }

  return { match };
}

function latestOf(earlier: Ids, later: Ids): Ids {
  const latest = (ids: readonly string[]) => [...new Set(ids)].slice(-FAILED_IDS_MAX);
  return {
    gitIds: latest([...earlier.gitIds, ...later.gitIds]),
    sessionIds: latest([...earlier.sessionIds, ...later.sessionIds]),
  };
}
