import type { ClaimPosition } from "../sql/claim-jobs.ts";

/** A walk from the head happens at least this often, so that urgent and retried jobs are not passed by. */
const FULL_SCAN_EVERY_MS = 250;
/** … and takes at most about a tenth of the time when dead rows make it slow. */
const FULL_SCAN_COST_FACTOR = 10;

/**
 * Where the next claim of a busy queue resumes. While claims come back full the walk starts behind the last claimed
 * job; an old snapshot that keeps dead rows alive then costs one slow walk now and then instead of every claim.
 */
export function createClaimCursor() {
  let after: ClaimPosition | null = null;
  let probedAt: string | null = null;
  let fullScanAt = Number.NEGATIVE_INFINITY;
  let fullScanCostMs = 0;

  /** Null: scan from the head. */
  function resumeAfter(): ClaimPosition | null {
    const pauseMs = Math.max(FULL_SCAN_EVERY_MS, fullScanCostMs * FULL_SCAN_COST_FACTOR);
    return performance.now() - fullScanAt < pauseMs ? after : null;
  }

  function recoveredSince(): string | null {
    return resumeAfter() === null ? null : probedAt;
  }

  /** `rows` in order. */
  function claimed(
    rows: readonly ClaimPosition[],
    scan: { full: boolean; limit: number; startedAt: number },
  ) {
    if (scan.full) {
      fullScanAt = performance.now();
      fullScanCostMs = fullScanAt - scan.startedAt;
    }
    after = rows.length >= scan.limit ? (rows.at(-1) ?? null) : null;
  }

  function probed(at: string) {
    probedAt = at;
  }

  return { resumeAfter, recoveredSince, claimed, probed };
}

export type ClaimCursor = ReturnType<typeof createClaimCursor>;
