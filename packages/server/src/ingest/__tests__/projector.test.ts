import { describe, expect, test } from "bun:test";
import type { Database } from "../../db/database.ts";
import { StorageError } from "../../errors.ts";
import { createProjector, PENDING_EVENTS_MAX } from "../projector.ts";

type Round = { fail(error?: Error): void; succeed(value: unknown): void };

const REFUSED = new StorageError("refused", "STORAGE_REFUSED");
const AWAY = new StorageError("away", "STORAGE_UNAVAILABLE");
/** Longer than any test. */
const NEVER_MS = 1_000_000;

/** A projector whose rounds fail when the test says so, which nobody who waits for them hears of. */
function setup(interval_ms = NEVER_MS) {
  const rounds: Round[] = [];
  const waiting: (() => void)[] = [];
  const failures: string[] = [];
  const database: Database = {
    run<T>(): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      rounds.push({
        fail: (error = REFUSED) => reject(error),
        succeed: (value) => resolve(JSON.parse(JSON.stringify(value))),
      });
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
  const projector = createProjector({
    database,
    interval_ms,
    onQuiet: () => undefined,
    onFailure: (reason) => failures.push(reason),
  });
  return { projector, round, rounds, failures };
}

let lastId = 0;
const flush = (...event_ids: string[]) => ({ id: String(++lastId), event_ids });

/** Lets everything go on that waits for nothing else. */
async function turns(): Promise<void> {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await turns();
  return settled;
}

describe("a projector", () => {
  test("begins its first round at once, and keeps no flush waiting for it", async () => {
    const { projector, round } = setup();
    await projector.project(flush("a"));
    (await round(0)).fail();
    await projector.caughtUp();
  });

  test("has caught up as long as there is nothing to do", async () => {
    await setup().projector.caughtUp();
  });

  test("gathers what comes while a round runs, and until the next one is due, for one round", async () => {
    const { projector, round, rounds } = setup(0);
    await projector.project(flush("a"));
    const first = await round(0);
    await projector.project(flush("b"));
    await projector.project(flush("c"));
    first.fail();
    (await round(1)).fail();
    await projector.caughtUp();
    expect(rounds).toHaveLength(2);
  });

  test("rests between two rounds unless somebody waits for what was taken in", async () => {
    const { projector, round, rounds } = setup();
    await projector.project(flush("a"));
    (await round(0)).fail();
    await projector.caughtUp();
    await projector.project(flush("b"));
    await projector.project(flush("c"));
    await turns();
    expect(rounds).toHaveLength(1);
    const caughtUp = projector.caughtUp();
    (await round(1)).fail();
    await caughtUp;
    expect(rounds).toHaveLength(2);
  });

  test("begins the next round by itself when it is due", async () => {
    const { projector, round } = setup(1);
    await projector.project(flush("a"));
    (await round(0)).fail();
    await projector.project(flush("b"));
    (await round(1)).fail();
    await projector.caughtUp();
  });

  test("has not caught up with what came after a round had begun when that round ends", async () => {
    const { projector, round } = setup();
    await projector.project(flush("a"));
    const running = await round(0);
    await projector.project(flush("b"));
    const caughtUp = projector.caughtUp();
    running.fail();
    const next = await round(1);
    expect(await isSettled(caughtUp)).toBe(false);
    next.fail();
    await caughtUp;
  });

  test("reports a failed round, and continues with the next one", async () => {
    const { projector, round, failures } = setup();
    for (let n = 0; n < 2; n++) {
      await projector.project(flush("a"));
      const caughtUp = projector.caughtUp();
      (await round(n)).fail();
      await caughtUp;
    }
    expect(failures).toEqual(["refused", "refused"]);
    expect(projector.depth()).toBe(0);
  });

  test("retries projection after the database was unavailable, while waiting requests keep waiting", async () => {
    const { projector, round, failures } = setup();
    await projector.project(flush("a"));
    const caughtUp = projector.caughtUp();
    (await round(0)).fail(AWAY);
    expect(await isSettled(caughtUp)).toBe(false);
    expect(projector.depth()).toBe(1);
    (await round(1)).fail();
    await caughtUp;
    expect(failures).toEqual(["away", "refused"]);
  });

  test("retries sessions that were locked", async () => {
    const { projector, round } = setup();
    await projector.project(flush("a"));
    const caughtUp = projector.caughtUp();
    (await round(0)).succeed({ locked_event_ids: ["a"] });
    (await round(1)).succeed({ id: "9", event_ids: ["a"] });
    const again = await round(2);
    expect(await isSettled(caughtUp)).toBe(false);
    again.fail();
    await caughtUp;
    expect(projector.depth()).toBe(0);
  });

  test("keeps a flush waiting when more waits than it should, without resting", async () => {
    const { projector, round } = setup();
    const many = Array.from({ length: PENDING_EVENTS_MAX }, () => "a");
    await projector.project(flush(...many));
    const running = await round(0);
    const held = projector.project(flush("b"));
    expect(projector.depth()).toBe(PENDING_EVENTS_MAX + 1);
    running.fail();
    const next = await round(1);
    expect(await isSettled(held)).toBe(false);
    next.fail();
    await held;
    expect(projector.depth()).toBe(0);
  });
});
