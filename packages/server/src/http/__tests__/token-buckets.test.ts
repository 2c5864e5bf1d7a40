import { expect, test } from "bun:test";
import { BUCKETS_MAX, createTokenBuckets } from "../token-buckets.ts";

function setup(capacity: number, refillPerS: number) {
  let now_ms = 0;
  const buckets = createTokenBuckets({ capacity, refillPerS, now: () => now_ms });
  return {
    ...buckets,
    advance: (ms: number) => {
      now_ms += ms;
    },
  };
}

test("a bucket gives its capacity at once and then what is refilled", () => {
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

test("a batch larger than the capacity passes and is waited for afterwards", () => {
  const { take, advance } = setup(10, 10);
  expect(take("a", 25).ok).toBe(true);
  expect(take("a", 1)).toEqual({ ok: false, remaining: 0, retryAfter_s: 2 });
  advance(2_000);
  expect(take("a", 1).ok).toBe(true);
});

test("owners do not take from each other, and what is given back can be taken again, up to the capacity", () => {
  const { take, giveBack } = setup(1, 1);
  expect(take("a", 1).ok).toBe(true);
  expect(take("b", 1).ok).toBe(true);
  expect(take("a", 1).ok).toBe(false);
  for (let i = 0; i < 5; i++) giveBack("a", 1);
  expect([1, 2].map(() => take("a", 1).ok)).toEqual([true, false]);
});

test("there are never more buckets than the bound: the first owners start anew", () => {
  const { take } = setup(1, 1);
  take("first", 1);
  for (let i = 0; i < BUCKETS_MAX - 1; i++) take(`other ${i}`, 1);
  expect(take("first", 1).ok).toBe(false);
  take("one more", 1);
  expect(take("first", 1).ok).toBe(true);
});
