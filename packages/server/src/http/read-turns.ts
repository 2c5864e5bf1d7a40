import pLimit, { type LimitFunction } from "p-limit";
import { ProblemError } from "./problem.ts";

/** Concurrent GET requests of one key in this process; further ones wait, so that connections remain for other keys. */
export const READS_PER_KEY_MAX = 4;

/**
 * Runs `read` when the key `owner` has fewer than READS_PER_KEY_MAX open reads. When a client disconnects, its running query ends
 * normally, and its waiting ones are not sent. Throws ProblemError 408 for them.
 */
export type InReadTurn = (owner: string | null, request: Request, read: () => Promise<void>) => Promise<void>;

export function createReadTurns(): InReadTurn {
  /** The limits of keys with open requests. */
  const turns = new Map<string | null, LimitFunction>();

  return async function inReadTurn(owner, { signal }, read) {
    const limit = turns.get(owner) ?? pLimit(READS_PER_KEY_MAX);
    turns.set(owner, limit);
    try {
      await limit(() => (signal.aborted ? Promise.reject(disconnected()) : read()));
    } finally {
      if (limit.activeCount + limit.pendingCount === 0) turns.delete(owner);
    }
  };
}

function disconnected(): ProblemError {
  return new ProblemError({
    status: 408,
    code: "CLIENT_DISCONNECTED",
    detail: "The client closed the connection while its request was waiting.",
  });
}
