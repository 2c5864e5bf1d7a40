import { expect, test } from "bun:test";
import { until } from "../until.ts";

test("the value is answered as soon as there is one", async () => {
  const values = [undefined, false, "found"];
  expect(await until(() => values.shift())).toBe("found");
});

test("a condition that never holds fails with what was waited for", async () => {
  const waiting = until(() => false, { deadlineMs: 30, describe: async () => "the seventh row" });
  await expect(waiting).rejects.toThrow("Timed out after 30 ms: the seventh row");
});

test("a condition that hangs is left at the deadline", async () => {
  await expect(until(() => new Promise(() => {}), { deadlineMs: 30 })).rejects.toThrow(
    "Timed out after 30 ms",
  );
});

test("a condition that throws ends the wait with its own error", async () => {
  await expect(until(() => Promise.reject(new Error("no such table")))).rejects.toThrow("no such table");
});
