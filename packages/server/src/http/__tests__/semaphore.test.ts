import { expect, test } from "bun:test";
import { createSemaphore } from "../semaphore.ts";

test("no more run at once than there are slots, the others in order, also after one has failed", async () => {
  const { run } = createSemaphore(2);
  const started: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const results = gates.map((gate, index) =>
    run(async () => {
      started.push(index);
      await gate.promise;
      return index;
    }),
  );
  expect(started).toEqual([0, 1]);
  gates[1]?.reject(new Error("broken"));
  expect(await results[1]?.catch(() => "failed")).toBe("failed");
  expect(started).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve();
  expect(await Promise.all([0, 2, 3, 4].map((index) => results[index]))).toEqual([0, 2, 3, 4]);
  expect(await run(() => Promise.resolve("again"))).toBe("again");
});
