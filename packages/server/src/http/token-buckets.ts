export type Taken = { ok: boolean; remaining: number; retryAfter_s: number };

export type TokenBuckets = {
  /** Takes `count` tokens while any is left; a bucket may go below zero, so that no batch is too large for ever. */
  take(owner: string, count: number): Taken;
  /** Undoes a `take`. */
  giveBack(owner: string, count: number): void;
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

/** One bucket an owner. With too many owners the ones that came first are forgotten. */
export function createTokenBuckets({
  capacity,
  refillPerS,
  now = () => performance.now(),
}: TokenBucketOptions): TokenBuckets {
  const buckets = new Map<string, Bucket>();

  function refilled(owner: string): Bucket {
    const at_ms = now();
    const bucket = buckets.get(owner) ?? add(owner, at_ms);
    bucket.tokens = Math.min(capacity, bucket.tokens + ((at_ms - bucket.asOf_ms) / 1000) * refillPerS);
    bucket.asOf_ms = at_ms;
    return bucket;
  }

  function add(owner: string, asOf_ms: number): Bucket {
    const first = buckets.size >= BUCKETS_MAX ? buckets.keys().next().value : undefined;
    if (first !== undefined) buckets.delete(first);
    const bucket = { tokens: capacity, asOf_ms };
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
    const bucket = refilled(owner);
    if (bucket.tokens < 1) return describe(bucket, false);
    bucket.tokens -= count;
    return describe(bucket, true);
  }

  function giveBack(owner: string, count: number): void {
    const bucket = refilled(owner);
    bucket.tokens = Math.min(capacity, bucket.tokens + count);
  }

  return { take, giveBack };
}
