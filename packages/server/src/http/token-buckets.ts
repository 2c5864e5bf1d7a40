import { LRUCache } from "lru-cache";

export type Taken = { ok: boolean; remaining: number; retryAfter_s: number };

export type TokenBuckets = {
  /** Takes `count` tokens if at least one is left. The bucket may become negative, so that every batch size is accepted at times. */
  take(owner: string, count: number): Taken;
};

export type TokenBucketOptions = {
  /** The most that can be taken at once. */
  capacity: number;
  refillPerS: number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

type Bucket = { tokens: number; asOf_ms: number };

export const BUCKETS_MAX = 10_000;

/**
 * One bucket per owner. Only full buckets are evicted, the least recently used first. When there are too many others,
 * new owners share one bucket: otherwise an owner could have its own bucket evicted and start with a full one.
 */
export function createTokenBuckets({
  capacity,
  refillPerS,
  now = () => performance.now(),
}: TokenBucketOptions): TokenBuckets {
  const buckets = new LRUCache<string, Bucket>({ max: BUCKETS_MAX });
  const shared: Bucket = { tokens: capacity, asOf_ms: now() };

  function tokensOf(bucket: Bucket, atMs: number): number {
    return Math.min(capacity, bucket.tokens + ((atMs - bucket.asOf_ms) / 1000) * refillPerS);
  }

  function bucketOf(owner: string, atMs: number): Bucket {
    const known = buckets.get(owner);
    if (known !== undefined) return known;
    const oldest = buckets.size < BUCKETS_MAX ? undefined : buckets.rvalues().next().value;
    if (oldest !== undefined && tokensOf(oldest, atMs) < capacity) return shared;
    const bucket = { tokens: capacity, asOf_ms: atMs };
    buckets.set(owner, bucket);
    return bucket;
  }

  function describe(bucket: Bucket, ok: boolean): Taken {
    const missing = Math.max(0, 1 - bucket.tokens);
    return {
      ok,
      remaining: Math.max(0, Math.floor(bucket.tokens)),
      retryAfter_s: Math.max(1, Math.ceil(missing / refillPerS)),
    };
  }

  function take(owner: string, count: number): Taken {
    const atMs = now();
    const bucket = bucketOf(owner, atMs);
    bucket.tokens = tokensOf(bucket, atMs);
    bucket.asOf_ms = atMs;
    if (bucket.tokens < 1) return describe(bucket, false);
    bucket.tokens -= count;
    return describe(bucket, true);
  }

  return { take };
}
