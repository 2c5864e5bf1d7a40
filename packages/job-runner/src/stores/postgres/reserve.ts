import {
  type At,
  MAX_ATTEMPTS_DEFAULT,
  type PostgresClient,
  type Reservation,
  type ReservedJob,
  type ReserveRequest,
} from "../../contract/driver.ts";
import { type ClaimCursor, createClaimCursor, inOrder } from "../claim-cursor.ts";
import { type Claim, type ClaimedRow, claimJobs } from "./sql/claim-jobs.ts";
import { claimKeyedJobs } from "./sql/claim-keyed-jobs.ts";
import { recoverJobs } from "./sql/recover-jobs.ts";

const MAX_RECOVERIES = 5;
/** A claim that returns jobs skips the recovery if the last one is not older. */
const RECOVER_EVERY_MS = 100;
const NOTHING_RECOVERED = { requeued: 0, dead: 0 };

/** Only hints: wrong values cost at most one claim. */
type QueueMemory = {
  readonly cursor: ClaimCursor;
  /** The last concurrency key checked by a claim; empty: start from the first. */
  lastKey: string;
  isUnkeyed: boolean;
  recoveredAtMs: number;
};

/** The `reserve` operation, which keeps hints for each queue between claims. */
export function createPostgresReserve(
  sql: PostgresClient,
  byAdvisoryLock: boolean,
): (request: ReserveRequest, at?: At) => Promise<Reservation> {
  const queues = new Map<string, QueueMemory>();

  async function reserve(request: ReserveRequest, at: At = {}): Promise<Reservation> {
    const queue = queueOf(request.queue);
    const after = at.now === undefined ? queue.cursor.resumeAfter() : null;
    const claim: Claim = {
      queue: request.queue,
      types: request.types,
      limit: request.limit,
      token: crypto.randomUUID(),
      workerId: request.workerId,
      leaseMs: request.leaseMs,
      after,
      byAdvisoryLock,
      now: at.now,
    };
    const startedAt = performance.now();
    const { rows, recovered } = await recoverAndClaim(request, claim, queue);
    rows.sort(inOrder);
    queue.cursor.claimed(rows.at(-1), { full: after === null, startedAt });
    return { jobs: rows.map((row) => toReserved(row, claim)), recovered };
  }

  /**
   * If the queue had no keyed jobs at the last claim, the claim runs concurrently with the recovery. If the last recovery was
   * very recent, the claim runs without one. Each saves half a millisecond. Recovered jobs are claimed afterwards.
   */
  async function recoverAndClaim(request: ReserveRequest, claim: Claim, queue: QueueMemory) {
    const early = queue.isUnkeyed && claim.now === undefined ? claimJobs(sql, claim).execute() : undefined;
    if (claim.now === undefined && performance.now() - queue.recoveredAtMs < RECOVER_EVERY_MS) {
      const rows = await (early ?? claimAmongKeys(sql, claim, queue));
      if (rows.length > 0) return { rows, recovered: NOTHING_RECOVERED };
    }
    const recovering = recover(request, queue, claim);
    recovering.catch(() => undefined);
    const rows: ClaimedRow[] = (await early) ?? [];
    try {
      const { recovered, keyed } = await recovering;
      queue.isUnkeyed = !keyed;
      const limit = claim.limit - rows.length;
      if (limit > 0 && (early === undefined || keyed || recovered.requeued > 0)) {
        const rest = { ...claim, limit, after: recovered.requeued > 0 ? null : claim.after };
        rows.push(...(await (keyed ? claimAmongKeys(sql, rest, queue) : claimJobs(sql, rest))));
      }
      return { rows, recovered };
    } catch (error) {
      // Claimed jobs are leased: the worker must get them even if the rest failed.
      if (rows.length === 0) throw error;
      return { rows, recovered: NOTHING_RECOVERED };
    }
  }

  async function recover(request: ReserveRequest, queue: QueueMemory, { now }: Claim) {
    const [row] = await recoverJobs(sql, {
      queue: request.queue,
      maxRecoveries: request.maxRecoveries ?? MAX_RECOVERIES,
      since: now === undefined ? queue.cursor.recoveredSince() : null,
      now,
    });
    queue.recoveredAtMs = performance.now();
    queue.cursor.probed(row?.probed_at ?? "-infinity");
    return {
      keyed: row?.keyed ?? false,
      recovered: { requeued: row?.requeued ?? 0, dead: row?.dead ?? 0 },
    };
  }

  function queueOf(name: string): QueueMemory {
    const queue = queues.get(name) ?? {
      cursor: createClaimCursor(),
      lastKey: "",
      isUnkeyed: false,
      recoveredAtMs: 0,
    };
    queues.set(name, queue);
    return queue;
  }

  return reserve;
}

/** Continues after the last checked key, at most one full round, until a claim returns jobs. */
async function claimAmongKeys(sql: PostgresClient, claim: Claim, queue: QueueMemory): Promise<ClaimedRow[]> {
  const firstKey = queue.lastKey;
  let isSecondRound = firstKey === "";
  for (;;) {
    const rows = await claimKeyedJobs(sql, { ...claim, afterKey: queue.lastKey });
    const nextKey = rows[0]?.next_key ?? "";
    queue.lastKey = nextKey;
    const claimed = rows.filter((row): row is typeof row & ClaimedRow => row.id !== null);
    const isAround = isSecondRound && (nextKey === "" || (firstKey !== "" && nextKey >= firstKey));
    if (claimed.length > 0 || isAround) return claimed;
    isSecondRound ||= nextKey === "";
  }
}

export function toReserved(row: ClaimedRow, claim: { token: string; queue: string }): ReservedJob {
  return {
    jobId: row.id,
    token: claim.token,
    queue: claim.queue,
    type: row.type,
    payload: row.payload,
    attempts: row.attempts ?? 0,
    maxAttempts: row.max_attempts ?? MAX_ATTEMPTS_DEFAULT,
    recoveries: row.recoveries ?? 0,
    timeoutMs: row.timeout_ms,
    concurrencyKey: row.concurrency_key,
    waitedMs: row.waited_ms,
  };
}
