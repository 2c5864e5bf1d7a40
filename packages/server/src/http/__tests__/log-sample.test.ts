import { expect, test } from "bun:test";
import { createSample } from "../middleware.ts";

test("a sample takes the first few of each second, and begins again with the next", () => {
  const isSampled = createSample(2);
  const taken = [0, 1, 2, 999, 1000, 1500, 1501, 5000].map(isSampled);
  expect(taken).toEqual([true, true, false, false, true, true, false, true]);
});

test("who sends less than the sample holds is never left out", () => {
  const isSampled = createSample(10);
  const everyFifthOfASecond = Array.from({ length: 100 }, (_, n) => n * 200);
  expect(everyFifthOfASecond.every(isSampled)).toBe(true);
});
