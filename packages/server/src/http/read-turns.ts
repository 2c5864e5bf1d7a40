import pLimit, { type LimitFunction } from "p-limit";
import { ProblemError } from "./problem.ts";

/** GET requests of one key that run at once in this process; further ones wait. Admin keys have no limit. The other connections for reads are for other keys. */
export const READS_PER_KEY_MAX = 4;

/** Of the keys that have a request under way. */
const turns = new Map<string | null, LimitFunction>();

/**
 * Runs `read` when the key `owner` has fewer than READS_PER_KEY_MAX reads under way. A query of a client that disconnects runs to its
 * end, but those that still wait are never sent. Throws ProblemError 408 for them.
 */
export async function inTurn(
  owner: string | null,
  { signal }: Request,
  read: () => Promise<void>,
): Promise<void> {
  const limit = turns.get(owner) ?? pLimit(READS_PER_KEY_MAX);
  turns.set(owner, limit);
  try {
    await limit(() => (signal.aborted ? Promise.reject(disconnected()) : read()));
  } finally {
    if (limit.activeCount + limit.pendingCount === 0) turns.delete(owner);
  }
}

function disconnected(): ProblemError {
  return new ProblemError({
    status: 408,
    code: "CLIENT_DISCONNECTED",
    detail: "The client closed the connection before its request was read.",
  });
}
