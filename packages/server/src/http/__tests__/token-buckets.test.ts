import { expect, test } from "bun:test";
import { BUCKETS_MAX, createTokenBuckets } from "../token-buckets.ts";

function setup(capacity: number, refillPerS: number) {
  let nowMs = 0;
  const buckets = createTokenBuckets({ capacity, refillPerS, now: () => nowMs });
  return {
    ...buckets,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

test("a bucket gives its capacity at once, then what is refilled", () => {
  const { take, advance } = setup(3, 2);
  expect([1, 2, 3, 4].map(() => take("a", 1).ok)).toEqual([true, true, true, false]);
  advance(499);
  expect(take("a", 1).ok).toBe(false);
  advance(1);
  expect(take("a", 1).ok).toBe(true);
  expect(take("a", 1).ok).toBe(false);
});

test("a full bucket stays at its capacity", () => {
  const { take, advance } = setup(2, 100);
  advance(60_000);
  expect([1, 2, 3].map(() => take("a", 1).ok)).toEqual([true, true, false]);
});

test("a batch above the capacity passes, and later ones wait for it", () => {
  const { take, advance } = setup(10, 10);
  expect(take("a", 25).ok).toBe(true);
  expect(take("a", 1)).toEqual({ ok: false, remaining: 0, retryAfter_s: 2 });
  advance(2_000);
  expect(take("a", 1).ok).toBe(true);
});

test("owners have separate buckets", () => {
  const { take } = setup(1, 1);
  expect(take("a", 1).ok).toBe(true);
  expect(take("b", 1).ok).toBe(true);
  expect(take("a", 1).ok).toBe(false);
});

test("a bucket that is not full is never evicted; new owners share one instead", () => {
  const { take, advance } = setup(2, 1);
  expect([1, 2, 3].map(() => take("first", 1).ok)).toEqual([true, true, false]);
  for (let i = 0; i < BUCKETS_MAX - 1; i++) take(`other ${i}`, 1);
  expect(["x", "y", "z"].map((owner) => take(owner, 1).ok)).toEqual([true, true, false]);
  expect(take("first", 1).ok).toBe(false);
  advance(1_000);
  expect([take("first", 1).ok, take("first", 1).ok]).toEqual([true, false]);
});

test("full buckets are evicted, the least recently used first", () => {
  const { take, advance } = setup(2, 1);
  take("exhausted", 2);
  for (let i = 0; i < BUCKETS_MAX - 1; i++) take(`other ${i}`, 1);
  advance(1_000);
  // Half full, and the least recently used: nothing makes room for it.
  for (const owner of ["x", "y"]) expect(take(owner, 1).ok).toBe(true);
  expect(take("exhausted", 1)).toMatchObject({ ok: true, remaining: 0 });
  advance(1_000);
  for (let i = 0; i < 100; i++) expect(take(`new ${i}`, 2).ok).toBe(true);
  for (let i = 0; i < 100; i++) expect(take(`new ${i}`, 1).ok).toBe(false);
});
