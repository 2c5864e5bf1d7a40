import type { Database } from "bun:sqlite";
import {
  type BoundedCount,
  COUNT_MAX,
  type QueueStats,
  THROUGHPUT_SAMPLE,
  THROUGHPUT_WINDOW_MS,
} from "../../contract/admin-store.ts";
import { microsText } from "../../contract/instant.ts";
import type { Bindings } from "./bindings.ts";
import { millisecondsInMicros, NEVER } from "./times.ts";

/** One more than COUNT_MAX, which shows that there are more. */
const COUNT_LIMIT = COUNT_MAX + 1;
/** Maximum of pairs of queue and priority that are read: protects against queues created by mistake. */
const LEVELS_MAX = 1000;

type Depth = {
  readonly ready: number;
  readonly scheduled: number;
  readonly waiting: number;
  /** When the oldest ready job became runnable, in microseconds. */
  readonly oldest: number | null;
};

type Totals = {
  ready: number;
  scheduled: number;
  waiting: number;
  oldest: number;
  running: number;
  dead: number;
  perSecond: number;
};

/** The state of every queue. Every count is one range of an index and ends at COUNT_LIMIT. */
export function createQueueStats(db: Database) {
  const depths = createDepths(db);
  const rates = createRates(db);
  const running = db.prepare<{ queue: string; count: number }, Bindings>(`
    SELECT queue, count(*) AS count FROM (
      SELECT queue FROM jobs WHERE status = 'running' ORDER BY lease_expires_at LIMIT ${COUNT_LIMIT}) GROUP BY queue`);
  const nextDeadQueue = db.prepare<{ queue: string }, Bindings>(`
    SELECT queue FROM jobs WHERE dlq_reason IS NOT NULL AND queue > $queue ORDER BY queue LIMIT 1`);
  const dead = db.prepare<{ count: number }, Bindings>(`
    SELECT count(*) AS count FROM (
      SELECT 1 FROM jobs WHERE queue = $queue AND dlq_reason IS NOT NULL LIMIT ${COUNT_LIMIT})`);
  const pauses = db.prepare<{ queue: string; paused_at: number; reason: string | null }, Bindings>(
    "SELECT queue, paused_at, reason FROM job_queue_pauses",
  );

  return function queueStats(alsoQueues: readonly string[], now: bigint): QueueStats[] {
    const totals = new Map<string, Totals>();
    const paused = new Map(pauses.all({}).map((row) => [row.queue, row]));
    for (const queue of [...alsoQueues, ...paused.keys()]) totalOf(totals, queue);
    depths(totals, now);
    for (const { queue, count } of running.all({})) totalOf(totals, queue).running = count;
    for (let row = nextDeadQueue.get({ queue: "" }); row !== null; row = nextDeadQueue.get(row)) {
      totalOf(totals, row.queue).dead = dead.get({ queue: row.queue })?.count ?? 0;
    }
    rates(totals, now);
    return [...totals]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([queue, total]) => toStats(queue, total, paused.get(queue), now));
  };
}

function createDepths(db: Database) {
  const unkeyed = "status = 'queued' AND concurrency_key IS NULL";
  const here = `queue = $queue AND priority = $priority AND ${unkeyed}`;
  const bounded = (condition: string) =>
    `(SELECT count(*) FROM (SELECT 1 FROM jobs WHERE ${here} AND ${condition} LIMIT ${COUNT_LIMIT}))`;
  const nextLevel = db.prepare<{ queue: string; priority: number }, Bindings>(`
    SELECT queue, priority FROM jobs WHERE ${unkeyed} AND (queue, priority) > ($queue, $priority)
    ORDER BY queue, priority LIMIT 1`);
  const level = db.prepare<Depth, Bindings>(`
    SELECT ${bounded("run_at <= $now")} AS ready, ${bounded(`run_at > $now AND run_at < ${NEVER}`)} AS scheduled,
      ${bounded(`run_at = ${NEVER}`)} AS waiting, (
        SELECT min(since) FROM (
          SELECT * FROM (SELECT created_at AS since FROM jobs WHERE ${here} AND run_at = 0 ORDER BY id LIMIT 1)
          UNION ALL
          SELECT * FROM (SELECT run_at FROM jobs WHERE ${here} AND run_at > 0 AND run_at <= $now
            ORDER BY run_at LIMIT 1))) AS oldest`);
  const nextKeyedQueue = db.prepare<{ queue: string }, Bindings>(`
    SELECT queue FROM jobs WHERE status = 'queued' AND concurrency_key IS NOT NULL AND queue > $queue
    ORDER BY queue LIMIT 1`);
  const keyed = db.prepare<Depth, Bindings>(`
    SELECT count(*) FILTER (WHERE run_at <= $now) AS ready,
      count(*) FILTER (WHERE run_at > $now AND run_at < ${NEVER}) AS scheduled,
      count(*) FILTER (WHERE run_at = ${NEVER}) AS waiting,
      min(max(run_at, created_at)) FILTER (WHERE run_at <= $now) AS oldest
    FROM (SELECT run_at, created_at FROM jobs
      WHERE queue = $queue AND status = 'queued' AND concurrency_key IS NOT NULL LIMIT ${COUNT_LIMIT})`);

  /** Queues and priorities are found by a loose index scan: one probe each. */
  return function addDepths(totals: Map<string, Totals>, now: bigint) {
    let next = nextLevel.get({ queue: "", priority: Number.MIN_SAFE_INTEGER });
    for (let levels = 0; next !== null && levels < LEVELS_MAX; levels += 1) {
      add(totalOf(totals, next.queue), level.get({ ...next, now }));
      next = nextLevel.get(next);
    }
    let queue = nextKeyedQueue.get({ queue: "" });
    for (let queues = 0; queue !== null && queues < LEVELS_MAX; queues += 1) {
      add(totalOf(totals, queue.queue), keyed.get({ ...queue, now }));
      queue = nextKeyedQueue.get(queue);
    }
  };
}

function createRates(db: Database) {
  const newest = db.prepare<{ queue: string; count: number; sample: number; first: number }, Bindings>(`
    SELECT queue, count(*) AS count, sum(count(*)) OVER () AS sample, min(min(completed_at)) OVER () AS first FROM (
      SELECT queue, completed_at FROM jobs WHERE status = 'completed' AND completed_at > $since
      ORDER BY completed_at DESC LIMIT ${THROUGHPUT_SAMPLE}) GROUP BY queue`);

  /** A full sample is from a busy store: its rate is computed over the sample's own time. */
  return function addRates(totals: Map<string, Totals>, now: bigint) {
    const since = now - millisecondsInMicros(THROUGHPUT_WINDOW_MS);
    for (const { queue, count, sample, first } of newest.all({ since })) {
      const spanMs =
        sample === THROUGHPUT_SAMPLE ? Math.max((Number(now) - first) / 1000, 1) : THROUGHPUT_WINDOW_MS;
      totalOf(totals, queue).perSecond = (count / spanMs) * 1000;
    }
  };
}

function totalOf(totals: Map<string, Totals>, queue: string): Totals {
  const none = { ready: 0, scheduled: 0, waiting: 0, running: 0, dead: 0, perSecond: 0 };
  const total = totals.get(queue) ?? { ...none, oldest: Number.POSITIVE_INFINITY };
  totals.set(queue, total);
  return total;
}

function add(total: Totals, depth: Depth | null) {
  if (depth === null) return;
  total.ready += depth.ready;
  total.scheduled += depth.scheduled;
  total.waiting += depth.waiting;
  total.oldest = Math.min(total.oldest, depth.oldest ?? total.oldest);
}

function toStats(
  queue: string,
  total: Totals,
  pause: { paused_at: number; reason: string | null } | undefined,
  now: bigint,
): QueueStats {
  return {
    queue,
    ready: bounded(total.ready),
    scheduled: bounded(total.scheduled),
    waiting: bounded(total.waiting),
    running: bounded(total.running),
    dead: bounded(total.dead),
    oldestReadyMs: Number.isFinite(total.oldest) ? (Number(now) - total.oldest) / 1000 : null,
    completedPerSecond: total.perSecond,
    pausedAt: pause === undefined ? null : microsText(BigInt(pause.paused_at)),
    pauseReason: pause?.reason ?? null,
  };
}

export function bounded(count: number): BoundedCount {
  return { count: Math.min(count, COUNT_MAX), isCapped: count > COUNT_MAX };
}
