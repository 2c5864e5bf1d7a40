import type { ClaimPosition } from "./postgres/sql/claim-jobs.ts";

/** Scans from the head of the queue take at most about a tenth of the time, even if dead rows make them slow. */
const FULL_SCAN_COST_FACTOR = 10;

export type ClaimCursor = {
  resumeAfter(): ClaimPosition | null;
  recoveredSince(): string | null;
  claimed(
    last: ClaimPosition | undefined,
    scan: {
      full: boolean;
      startedAt: number;
    },
  ): void;
  probed(at: string): void;
};

/**
 * Where the next claim of a busy queue resumes: after the last claimed job. An old snapshot that keeps dead rows then
 * costs an occasional slow scan instead of slowing every claim. Jobs that sort before the cursor (urgent, retried,
 * recovered) wait for the next scan from the head: a few claims, or none in a queue that was idle.
 */
export function createClaimCursor(): ClaimCursor {
  let after: ClaimPosition | null = null;
  let probedAt: string | null = null;
  let fullScanAt = Number.NEGATIVE_INFINITY;
  let fullScanCostMs = 0;

  /** Null: scan from the head. */
  function resumeAfter(): ClaimPosition | null {
    return performance.now() - fullScanAt < fullScanCostMs * FULL_SCAN_COST_FACTOR ? after : null;
  }

  /** Leases that ended before this were checked recently; null: check all. */
  function recoveredSince(): string | null {
    return resumeAfter() === null ? null : probedAt;
  }

  /** `last` is the last job of a claim, in order; `scan.full`: the claim scanned from the head. */
  function claimed(last: ClaimPosition | undefined, scan: { full: boolean; startedAt: number }) {
    if (scan.full) {
      fullScanAt = performance.now();
      fullScanCostMs = fullScanAt - scan.startedAt;
      after = last ?? null;
    } else if (last !== undefined && (after === null || inOrder(after, last) < 0)) after = last;
  }

  function probed(at: string) {
    probedAt = at;
  }

  return { resumeAfter, recoveredSince, claimed, probed };
}

/** The order in which jobs are claimed. */
export function inOrder(left: ClaimPosition, right: ClaimPosition): number {
  const byPriority = (left.priority ?? 0) - (right.priority ?? 0);
  if (byPriority !== 0) return byPriority;
  if (left.run_at !== right.run_at)
    return left.run_at === null || (right.run_at !== null && left.run_at < right.run_at) ? -1 : 1;
  return left.id.length - right.id.length || (left.id < right.id ? -1 : 1);
}
