import { expect, test } from "bun:test";
import { createRefreshed } from "../refreshed.ts";

/** A value whose reads are answered by hand, in the order in which they began. */
function setup() {
  const reads: PromiseWithResolvers<string>[] = [];
  const clock = { ms: 0 };
  const read = () => {
    const answer = Promise.withResolvers<string>();
    reads.push(answer);
    return answer.promise;
  };
  return {
    reads,
    clock,
    value: createRefreshed("first", read, { ageMaxMs: 5, monotonicMs: () => clock.ms }),
  };
}

test("a value is read once for concurrent refreshes, and again when it is too old", async () => {
  const { reads, clock, value } = setup();
  const refreshes = [value.refresh(), value.refresh()];
  reads[0]?.resolve("second");
  await Promise.all(refreshes);
  expect(value.current()).toBe("second");
  clock.ms = 4;
  await value.refresh();
  expect(reads).toHaveLength(1);
  clock.ms = 5;
  const later = value.refresh();
  reads[1]?.resolve("third");
  await later;
  expect(value.current()).toBe("third");
});

test("the last value stands when a read fails, and the next refresh reads again", async () => {
  const { reads, value } = setup();
  const failing = value.refresh();
  reads[0]?.reject(new Error("unavailable"));
  await failing;
  expect(value.current()).toBe("first");
  const next = value.refresh();
  reads[1]?.resolve("second");
  await next;
  expect(value.current()).toBe("second");
});

test("a read that began before a change is dropped, and refreshes wait for the one after it", async () => {
  const { reads, value } = setup();
  const before = value.refresh();
  value.forget();
  const after = value.refresh();
  reads[0]?.resolve("outdated");
  await before;
  expect(value.current()).toBe("first");
  const waiting = value.refresh();
  expect(reads).toHaveLength(2);
  reads[1]?.resolve("second");
  await Promise.all([after, waiting]);
  expect(value.current()).toBe("second");
});
