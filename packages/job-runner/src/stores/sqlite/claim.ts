import type { Database } from "bun:sqlite";
import type { HandOverRequest, ReservedJob, ReserveRequest } from "../../contract/driver.ts";
import { one } from "../../contract/one.ts";
import { inOrder } from "../claim-cursor.ts";
import type { Bindings } from "./bindings.ts";
import { createKeyedCandidates } from "./claim-keyed.ts";
import { createUnkeyedCandidates } from "./claim-unkeyed.ts";
import { millisecondsInMicros } from "./times.ts";

type ClaimedRow = {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: string;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly recoveries: number;
  readonly timeout_ms: number | null;
  readonly concurrency_key: string | null;
  readonly waited_ms: number;
};

/** The first runnable jobs in order, with and without concurrency keys, leased under one new token. */
export function createClaim(db: Database) {
  const unkeyed = createUnkeyedCandidates(db);
  const keyed = createKeyedCandidates(db);
  const lease = createLease(db);

  return function claim(request: ReserveRequest, now: bigint): ReservedJob[] {
    const token = crypto.randomUUID();
    const candidates = [...unkeyed(request, now), ...keyed(request, now)].sort(inOrder);
    return candidates.slice(0, request.limit).map(({ id }) => lease(id, { ...request, token }, now));
  };
}

/** Leases one queued job to a worker. */
export function createLease(db: Database) {
  const update = db.prepare<ClaimedRow, Bindings>(`
    UPDATE jobs SET status = 'running', lease_token = $token, lease_generation = lease_generation + 1,
      lease_expires_at = $expiresAt, heartbeat_at = $now, locked_at = $now, locked_by = $workerId, updated_at = $now
    WHERE id = $id AND status = 'queued'
    RETURNING CAST(id AS TEXT) AS id, queue, type, payload, attempts, max_attempts, recoveries, timeout_ms,
      concurrency_key, ($now - max(run_at, created_at)) / 1000.0 AS waited_ms`);

  return function lease(id: string, { token, workerId, leaseMs }: HandOverRequest, now: bigint): ReservedJob {
    const row = one(update.all({ id, token, workerId, now, expiresAt: now + millisecondsInMicros(leaseMs) }));
    return toReserved(row, token);
  };
}

function toReserved(row: ClaimedRow, token: string): ReservedJob {
  return {
    jobId: row.id,
    token,
    queue: row.queue,
    type: row.type,
    payload: JSON.parse(row.payload),
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    recoveries: row.recoveries,
    timeoutMs: row.timeout_ms,
    concurrencyKey: row.concurrency_key,
    waitedMs: row.waited_ms,
  };
}
