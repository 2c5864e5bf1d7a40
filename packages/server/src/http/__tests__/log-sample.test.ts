import { expect, test } from "bun:test";
import { createSample } from "../middleware.ts";

test("samples the first few lines of each second", () => {
  const isSampled = createSample(2);
  const taken = [0, 1, 2, 999, 1000, 1500, 1501, 5000].map(isSampled);
  expect(taken).toEqual([true, true, false, false, true, true, false, true]);
});

test("samples every line below the limit", () => {
  const isSampled = createSample(10);
  const everyFifthOfASecond = Array.from({ length: 100 }, (_, n) => n * 200);
  expect(everyFifthOfASecond.every(isSampled)).toBe(true);
});
