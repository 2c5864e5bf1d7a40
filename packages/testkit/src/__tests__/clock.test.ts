import { expect, test } from "bun:test";
import { createClock } from "../clock.ts";

test("the clock stands still until it is moved", () => {
  const clock = createClock("2026-01-01T00:00:00.000Z");
  expect(clock.now().toISOString()).toBe("2026-01-01T00:00:00.000Z");
  clock.advance(1500);
  expect(clock.now().toISOString()).toBe("2026-01-01T00:00:01.500Z");
  clock.set(new Date("2025-06-01T12:00:00.000Z"));
  expect(clock.now().toISOString()).toBe("2025-06-01T12:00:00.000Z");
});

test("a date that it gave out does not move it", () => {
  const clock = createClock("2026-01-01T00:00:00.000Z");
  clock.now().setFullYear(1999);
  expect(clock.now().getFullYear()).toBe(2026);
});

test("what is no point in time is refused", () => {
  expect(() => createClock("yesterday")).toThrow("yesterday");
});
