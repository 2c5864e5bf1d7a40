import { describe, expect, test } from "bun:test";
import type { Database } from "../../db/database.ts";
import { StorageError } from "../../errors.ts";
import { createGitMatcher } from "../git-matcher.ts";

type Round = { fail(): void };

/** A matcher whose rounds fail when the test says so, which no caller hears of. */
function setup() {
  const rounds: Round[] = [];
  const waiting: (() => void)[] = [];
  const failures: string[] = [];
  const database: Database = {
    run<T>(): Promise<T> {
      const { promise, reject } = Promise.withResolvers<T>();
      rounds.push({ fail: () => reject(new StorageError("away", "STORAGE_UNAVAILABLE")) });
      for (const wake of waiting.splice(0)) wake();
      return promise;
    },
    close: () => Promise.resolve(),
  };
  /** The round of that number, as soon as it has begun. */
  async function round(number: number): Promise<Round> {
    for (;;) {
      const found = rounds[number];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }
  const matcher = createGitMatcher({ database, onFailure: (reason) => failures.push(reason) });
  return { matcher, round, rounds, failures };
}

describe("matching git activity", () => {
  test("what comes while a round runs is gathered into one more round", async () => {
    const { matcher, round, rounds } = setup();
    const first = matcher.match(["a"], []);
    const running = await round(0);
    const later = [matcher.match(["b"], []), matcher.match(["c"], ["s"]), matcher.match([], ["t"])];
    running.fail();
    await first;
    (await round(1)).fail();
    await Promise.all(later);
    expect(rounds).toHaveLength(2);
  });

  test("the end of a round that had begun before tells nobody that it is done", async () => {
    const { matcher, round } = setup();
    const first = matcher.match(["a"], []);
    const running = await round(0);
    let isDone = false;
    const second = matcher.match(["b"], []).then(() => {
      isDone = true;
    });
    running.fail();
    await first;
    const next = await round(1);
    expect(isDone).toBe(false);
    next.fail();
    await second;
    expect(isDone).toBe(true);
  });

  test("a failure is reported, and the next round runs all the same", async () => {
    const { matcher, round, failures } = setup();
    const first = matcher.match(["a"], []);
    (await round(0)).fail();
    await first;
    expect(failures).toHaveLength(1);
    const second = matcher.match(["b"], []);
    (await round(1)).fail();
    await second;
    expect(failures).toHaveLength(2);
  });
});
