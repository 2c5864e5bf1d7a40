import type { Database } from "../db/database.ts";
import { describeDatabaseError } from "../db/database-errors.ts";
import { matchGitActivity } from "../db/git-activity.ts";
import { retryConflicts } from "./retry-conflicts.ts";

export type GitMatcher = {
  /**
   * Ties the git activity to its sessions, and all that the sessions hold or held. Resolves when that is done or has failed:
   * what fails is done again at boot and by a job. Never rejects.
   */
  match(gitIds: readonly string[], sessionIds: readonly string[]): Promise<void>;
};

export type GitMatcherOptions = {
  database: Database;
  onFailure?: (reason: string) => void;
};

/** One connection, since there is one round at a time. */
export const MATCHING_CONNECTIONS = 1;

type Round = { gitIds: string[]; sessionIds: string[]; done: Promise<void> };

/**
 * One round of matching at a time; what comes meanwhile is gathered for the next one. Most of a round's cost is the same for one
 * commit and for fifty, and two rounds side by side would wait for each other's rows.
 */
export function createGitMatcher({ database, onFailure }: GitMatcherOptions): GitMatcher {
  let gathering: Round | null = null;
  let last: Promise<void> = Promise.resolve();

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
      return runRound(gitIds, sessionIds);
    });
    return { gitIds, sessionIds, done: last };
  }

  async function runRound(gitIds: readonly string[], sessionIds: readonly string[]): Promise<void> {
    try {
      await retryConflicts(() => database.run((sql) => matchGitActivity(sql, gitIds, sessionIds)));
    } catch (error) {
      onFailure?.(describeDatabaseError(error));
    }
  }

  return { match };
}
