import { describeDatabaseError, isUnavailable } from "../db/database-errors.ts";
import type { QueueRow, SessionToMatch } from "../db/projections/projection-queue.ts";
import type { Logger } from "../logger.ts";
import { within } from "../waits.ts";
import type { Touched } from "./plan-flush.ts";
import { logFailed, type Projected } from "./project-rows.ts";

/** What a read is about; without a field, everything. Git activity may be matched to any session: its reads have no scope. */
export type ReadScope = {
  session_id?: string | undefined;
  workspace_id?: string | undefined;
  device_id?: string | undefined;
};

/** A row of the queue, and what its events are about. */
export type QueuedFlush = QueueRow & { touched: Touched };

export type Projector = {
  /**
   * Takes in what a committed flush has queued. Resolves at once, unless too much waits to be projected; then the flush has to wait
   * for a round. Never rejects: what fails is retried, or left to the job that looks at the queue each minute.
   */
  project(flush: QueuedFlush): Promise<void>;
  /** Resolves when all accepted events in `scope` are projected, or left to the job; no round is delayed meanwhile. */
  caughtUp(scope?: ReadScope): Promise<void>;
  /** How many events wait to be projected. */
  depth(): number;
};

export type ProjectorOptions = {
  /** As in project-rows.ts, over one connection. */
  projectRows: (rows: readonly QueueRow[]) => Promise<Projected>;
  /** As matchQueued in match-git.ts. */
  matchQueued: (sessions: readonly SessionToMatch[]) => Promise<SessionToMatch[]>;
  logger: Logger;
  /** From one round's begin to the next one's. */
  intervalMs?: number;
  /** How long a flush waits for room. */
  flushWaitMs?: number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

/**
 * From one round's begin to the next one's, unless a read waits for it. A round costs Postgres 3 ms before its first session, and each
 * 0.2 ms: when each flush of 128 single events projected its own, that was a fifth of its cost.
 */
const ROUND_INTERVAL_MS = 250;
/** With more, flushes wait for the round, and what they have queued is left to the job when it takes long. */
export const WAITING_EVENTS_MAX = 20_000;
const FLUSH_WAIT_MAX_MS = 1_000;
/** Queued sessions whose git activity is matched in one round. */
const SESSIONS_AT_ONCE_MAX = 200;

/** A session that is locked is mostly free again in a moment. */
const LOCKED_DELAY_MS = 50;
/** A database that is unavailable or too slow is not asked again at once. */
const FAILED_DELAY_MS = 1_000;

type Round = {
  flushes: QueuedFlush[];
  /** Skips the rest of the delay. */
  begin(): void;
  begun: Promise<void>;
  /** Of a round that does something again; no read shortens it. */
  retryDelayMs: number | null;
};

/**
 * Projects what flushes have queued, in one round after the other; what comes meanwhile is gathered for the next one. The
 * first round begins at once, so that a quiet server is never behind; a busy one gathers for ROUND_INTERVAL_MS.
 */
export function createProjector(options: ProjectorOptions): Projector {
  const {
    projectRows,
    matchQueued,
    logger,
    intervalMs = ROUND_INTERVAL_MS,
    flushWaitMs = FLUSH_WAIT_MAX_MS,
    now = () => performance.now(),
  } = options;
  /** Accepted and not projected. */
  const open = new Set<QueuedFlush>();
  /** Git activity that no read waits for, one row per round. */
  const unmatched: QueueRow[] = [];
  /** Sessions whose git activity no read waits for, keyed by row id. */
  const sessions = new Map<string, SessionToMatch>();
  let gathering: Round | null = null;
  let last: Promise<void> = Promise.resolve();
  let nextBegin_ms = Number.NEGATIVE_INFINITY;
  let events = 0;

  async function project(flush: QueuedFlush): Promise<void> {
    if (events > WAITING_EVENTS_MAX) {
      gathering?.begin();
      await within(last, flushWaitMs);
    }
    if (events <= WAITING_EVENTS_MAX) gather(flush);
  }

  function gather(flush: QueuedFlush, retryDelayMs: number | null = null): void {
    gathering ??= startRound();
    gathering.flushes.push(flush);
    gathering.retryDelayMs ??= retryDelayMs;
    open.add(flush);
    events += flush.event_ids.length;
  }

  function startRound(): Round {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const round: Round = { flushes: [], begun, begin, retryDelayMs: null };
    last = last.then(async () => {
      await delay(round);
      gathering = null;
      nextBegin_ms = now() + intervalMs;
      await run(round);
    });
    return round;
  }

  async function delay({ begun, retryDelayMs }: Round): Promise<void> {
    const delay_ms = retryDelayMs ?? nextBegin_ms - now();
    const shortened = retryDelayMs === null ? begun : new Promise<void>(() => undefined);
    if (delay_ms > 0) await within(shortened, delay_ms);
  }

  async function run({ flushes }: Round): Promise<void> {
    let again: readonly QueuedFlush[] = [];
    let delay_ms = LOCKED_DELAY_MS;
    try {
      const projected = await projectRows([...flushes, ...unmatched.splice(0, 1)]);
      logFailed(logger, projected.failed);
      unmatched.push(...projected.unmatched);
      for (const session of projected.sessions) sessions.set(session.id, session);
      await matchNext();
      again = projected.locked.map((row) => ({ ...row, touched: touchedBy(row, flushes) }));
    } catch (error) {
      logger.warn(
        { reason: describeDatabaseError(error) },
        "projection of sessions failed; it will be retried",
      );
      if (isUnavailable(error)) again = flushes;
      delay_ms = FAILED_DELAY_MS;
    }
    for (const flush of flushes) {
      open.delete(flush);
      events -= flush.event_ids.length;
    }
    // During a long outage, flushes are left to the job, so that the list of waiting events does not grow.
    if (events <= WAITING_EVENTS_MAX) for (const flush of again) gather(flush, delay_ms);
    if (unmatched.length > 0 || sessions.size > 0) gathering ??= startRound();
  }

  async function matchNext(): Promise<void> {
    const next = [...sessions.values()].slice(0, SESSIONS_AT_ONCE_MAX);
    if (next.length === 0) return;
    for (const { id } of next) sessions.delete(id);
    for (const session of await matchQueued(next)) sessions.set(session.id, session);
  }

  async function caughtUp(scope: ReadScope = {}): Promise<void> {
    while ([...open].some(({ touched }) => concerns(touched, scope))) {
      gathering?.begin();
      await last;
    }
  }

  return { project, caughtUp, depth: () => events };
}

/** What the flush was about of which this row is left. */
function touchedBy({ event_ids: [id] }: QueueRow, flushes: readonly QueuedFlush[]): Touched {
  const flush = flushes.find(({ event_ids }) => id !== undefined && event_ids.includes(id));
  if (flush === undefined) throw new Error("the row is left of no flush of its round");
  return flush.touched;
}

function concerns({ sessions, workspaces, devices }: Touched, scope: ReadScope): boolean {
  const { session_id, workspace_id, device_id } = scope;
  return (
    (session_id === undefined || sessions.has(session_id)) &&
    (workspace_id === undefined || workspaces.has(workspace_id)) &&
    (device_id === undefined || devices.has(device_id))
  );
}
