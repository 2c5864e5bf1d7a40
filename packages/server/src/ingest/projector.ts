import type { Database } from "../db/database.ts";
import { describeDatabaseError, isUnavailable } from "../db/database-errors.ts";
import type { PendingProjection, QuietSession } from "../db/projections/projections.ts";
import { within } from "../waits.ts";
import { projectPending } from "./project-pending.ts";

export type Projector = {
  /**
   * Takes in what a committed flush has left to do. Resolves at once, unless too much waits to be done; then the flush has to wait
   * for a round. Never rejects: what fails is tried again, or left to the job that looks for it each minute (repair.ts).
   */
  project(pending: PendingProjection): Promise<void>;
  /** Resolves when everything that was taken in is done, or left to the job; no round rests meanwhile. */
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

/**
 * From one round's begin to the next one's, unless somebody waits for it. A round costs Postgres 3 ms before its first session, and each
 * 0.2 ms: when each flush of 128 single events projected its own, that was a fifth of its cost.
 */
const ROUND_INTERVAL_MS = 250;
/** As many as repair does at once, too. */
export const PENDING_EVENTS_MAX = 20_000;

/** A session that is locked is mostly free again in a moment. */
const LOCKED_REST_MS = 50;
/** A database that is away or too slow is not asked again at once. */
const FAILED_REST_MS = 1_000;

type Round = {
  pending: PendingProjection[];
  /** Without resting any longer. */
  begin(): void;
  begun: Promise<void>;
  /** Of a round that does something again; it rests so long whoever waits. */
  repeat_rest_ms: number | null;
};

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
    gather(pending);
    if (events <= PENDING_EVENTS_MAX) return Promise.resolve();
    gathering?.begin();
    return last;
  }

  function gather(pending: PendingProjection): Round {
    gathering ??= startRound();
    gathering.pending.push(pending);
    events += pending.event_ids.length;
    return gathering;
  }

  function startRound(): Round {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const round: Round = { pending: [], begun, begin, repeat_rest_ms: null };
    last = last.then(async () => {
      await rest(round);
      gathering = null;
      nextBegin_ms = now() + interval_ms;
      await run(round);
    });
    return round;
  }

  async function rest({ begun, repeat_rest_ms }: Round): Promise<void> {
    const rest_ms = repeat_rest_ms ?? nextBegin_ms - now();
    const hurried = repeat_rest_ms === null ? begun : new Promise<void>(() => undefined);
    if (rest_ms > 0) await within(hurried, rest_ms);
  }

  async function run({ pending, repeat_rest_ms }: Round): Promise<void> {
    let again: readonly PendingProjection[] = [];
    let rest_ms = LOCKED_REST_MS;
    try {
      const isRepeat = repeat_rest_ms !== null;
      const { quiet, left } = await projectPending(database, pending, { isRepeat });
      onQuiet(quiet);
      if (left !== null) again = [left];
    } catch (error) {
      onFailure?.(describeDatabaseError(error));
      if (isUnavailable(error)) again = pending;
      rest_ms = FAILED_REST_MS;
    }
    for (const { event_ids } of pending) events -= event_ids.length;
    // A database that is away for long is left to the job, lest what waits for it grow.
    if (events <= PENDING_EVENTS_MAX) for (const flush of again) gather(flush).repeat_rest_ms = rest_ms;
  }

  async function caughtUp(): Promise<void> {
    do {
      gathering?.begin();
      await last;
    } while (gathering !== null && gathering.repeat_rest_ms !== null);
  }

  return { project, caughtUp, depth: () => events };
}
