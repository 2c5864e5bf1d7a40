import type { Sql } from "postgres";
import { type Claim, type ClaimedRow, claimJobs } from "../sql/claim-jobs.ts";
import { claimKeyedJobs } from "../sql/claim-keyed-jobs.ts";
import { recoverJobs } from "../sql/recover-jobs.ts";
import { type ClaimCursor, createClaimCursor } from "./claim-cursor.ts";
import type { At, Reservation, ReservedJob, ReserveRequest } from "./driver.ts";

const MAX_RECOVERIES = 5;

/** The `reserve` operation, with what it remembers of each queue between claims. */
export function createPostgresReserve(sql: Sql, byAdvisoryLock: boolean) {
  const cursors = new Map<string, ClaimCursor>();
  const lastKeys = new Map<string, string>();

  async function reserve(request: ReserveRequest, at: At = {}): Promise<Reservation> {
    const cursor = cursorOf(request.queue);
    const recovery = await recover(request, cursor, at);
    const claim: Omit<Claim, "after" | "limit"> = {
      queue: request.queue,
      types: request.types,
      token: crypto.randomUUID(),
      workerId: request.workerId,
      leaseMs: request.leaseMs,
      byAdvisoryLock,
      now: at.now,
    };
    const run = recovery.keyed ? claimKeyed : claimUnkeyed;
    const after = recovery.recovered.requeued > 0 || at.now !== undefined ? null : cursor.resumeAfter();
    const startedAt = performance.now();
    const rows = await run(sql, { ...claim, after, limit: request.limit });
    if (after !== null && rows.length < request.limit) {
      const rest = await run(sql, { ...claim, after: null, limit: request.limit - rows.length });
      rows.push(...rest);
    }
    rows.sort(inOrder);
    cursor.claimed(rows, { full: after === null, limit: request.limit, startedAt });
    return { jobs: rows.map((row) => toReserved(row, claim)), recovered: recovery.recovered };
  }

  async function claimUnkeyed(client: Sql, claim: Claim): Promise<ClaimedRow[]> {
    return claimJobs(client, claim);
  }

  /** Goes on behind the last key looked at, once around at most, until a claim brings something. */
  async function claimKeyed(client: Sql, claim: Claim): Promise<ClaimedRow[]> {
    const firstKey = lastKeys.get(claim.queue) ?? "";
    let afterKey = firstKey;
    let wrapped = firstKey === "";
    for (;;) {
      const rows = await claimKeyedJobs(client, { ...claim, afterKey });
      const nextKey = rows[0]?.next_key ?? "";
      lastKeys.set(claim.queue, nextKey);
      const claimed = rows.filter((row): row is typeof row & ClaimedRow => row.id !== null);
      const around = wrapped && (nextKey === "" || (firstKey !== "" && nextKey >= firstKey));
      if (claimed.length > 0 || around) return claimed;
      wrapped ||= nextKey === "";
      afterKey = nextKey;
    }
  }

  async function recover(request: ReserveRequest, cursor: ClaimCursor, at: At) {
    const [row] = await recoverJobs(sql, {
      queue: request.queue,
      maxRecoveries: request.maxRecoveries ?? MAX_RECOVERIES,
      since: at.now === undefined ? cursor.recoveredSince() : null,
      now: at.now,
    });
    cursor.probed(row?.probed_at ?? "-infinity");
    return {
      keyed: row?.keyed ?? false,
      recovered: { requeued: row?.requeued ?? 0, dead: row?.dead ?? 0 },
    };
  }

  function cursorOf(queue: string): ClaimCursor {
    const cursor = cursors.get(queue) ?? createClaimCursor();
    cursors.set(queue, cursor);
    return cursor;
  }

  return reserve;
}

function inOrder(left: ClaimedRow, right: ClaimedRow): number {
  if (left.priority !== right.priority) return left.priority - right.priority;
  if (left.run_at !== right.run_at) return left.run_at < right.run_at ? -1 : 1;
  return left.id.length - right.id.length || (left.id < right.id ? -1 : 1);
}

function toReserved(row: ClaimedRow, claim: { token: string; queue: string }): ReservedJob {
  return {
    jobId: row.id,
    token: claim.token,
    queue: claim.queue,
    type: row.type,
    payload: row.payload,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    recoveries: row.recoveries,
    timeoutMs: row.timeout_ms,
    concurrencyKey: row.concurrency_key,
    waitedMs: row.waited_ms,
  };
}
