import type { Database } from "../db/database.ts";
import { describeDatabaseError } from "../db/database-errors.ts";
import type { PendingProjection, QuietSession } from "../db/projections.ts";
import { projectPending } from "./project-pending.ts";

export type Projector = {
  /**
   * Takes in what a committed flush has left to do. Resolves at once, unless too much waits to be done; then the flush has to wait
   * for it. Never rejects: what fails is left to the job that looks for it each minute (repair.ts).
   */
  project(pending: PendingProjection): Promise<void>;
  /** Resolves when everything that was taken in is done, or has failed. It is not waited for longer than need be. */
  caughtUp(): Promise<void>;
  /** How many events wait to be projected. */
  depth(): number;
};

export type ProjectorOptions = {
  database: Database;
  onQuiet: (sessions: QuietSession[]) => void;
  onFailure?: (reason: string) => void;
  /** From one round's begin to the next one's. */
  interval_ms?: number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

/** One connection, since there is one round at a time. */
export const PROJECTION_CONNECTIONS = 1;
/**
 * From one round's begin to the next one's, unless somebody waits for it. A round costs Postgres 3 ms before its first session, and each
 * 0.2 ms: when each flush of 128 single events projected its own, that was a fifth of its cost.
 */
export const ROUND_INTERVAL_MS = 100;
/** As many as repair does at once, too. */
export const PENDING_EVENTS_MAX = 20_000;

type Round = { pending: PendingProjection[]; begin(): void };

/**
 * Projects what flushes have left to do, in one round after the other; what comes meanwhile is gathered for the next one. The
 * first round begins at once, so that a quiet server is never behind; a busy one gathers for ROUND_INTERVAL_MS.
 */
export function createProjector(options: ProjectorOptions): Projector {
  const {
    database,
    onQuiet,
    onFailure,
    interval_ms = ROUND_INTERVAL_MS,
    now = () => performance.now(),
  } = options;
  let gathering: Round | null = null;
  let last: Promise<void> = Promise.resolve();
  let nextBegin_ms = Number.NEGATIVE_INFINITY;
  let events = 0;

  function project(pending: PendingProjection): Promise<void> {
    gathering ??= startRound();
    gathering.pending.push(pending);
    events += pending.event_ids.length;
    return events > PENDING_EVENTS_MAX ? caughtUp() : Promise.resolve();
  }

  function startRound(): Round {
    const pending: PendingProjection[] = [];
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    last = last.then(async () => {
      await restUnless(begun);
      gathering = null;
      nextBegin_ms = now() + interval_ms;
      await runRound(pending);
    });
    return { pending, begin };
  }

  async function restUnless(begun: Promise<void>): Promise<void> {
    const rest_ms = nextBegin_ms - now();
    if (rest_ms <= 0) return;
    const { promise: rested, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, rest_ms);
    await Promise.race([begun, rested]);
    clearTimeout(timer);
  }

  async function runRound(pending: readonly PendingProjection[]): Promise<void> {
    try {
      onQuiet(await projectPending(database, pending));
    } catch (error) {
      onFailure?.(describeDatabaseError(error));
    } finally {
      for (const { event_ids } of pending) events -= event_ids.length;
    }
  }

  function caughtUp(): Promise<void> {
    gathering?.begin();
    return last;
  }

  return { project, caughtUp, depth: () => events };
}
