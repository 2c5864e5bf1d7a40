import { describe, expect, test } from "bun:test";
import { OverloadError } from "../../errors.ts";
import {
  createWriter,
  FLUSH_AT_ONCE_MIN_REQUESTS,
  FLUSH_MAX_BYTES,
  FLUSH_MAX_ITEMS,
  FLUSHES_IN_FLIGHT_MAX,
  type Outcome,
  SECOND_FLUSH_MIN_ITEMS,
} from "../writer.ts";

type Flush = { items: readonly number[]; finish(): void; fail(error: Error): void };

/** A writer of numbers whose flushes end on the test's signal; an odd number is a duplicate. */
function setup({ items = 10_000, bytes = 1_000_000, itemBytes = 10 } = {}) {
  const flushes: Flush[] = [];
  const waiting: (() => void)[] = [];
  let mostInFlight = 0;
  let inFlight = 0;
  const writer = createWriter<number>({
    flush: (items) => {
      const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      const end = () => {
        inFlight -= 1;
      };
      const outcomes = items.map((n): Outcome => ({ status: n % 2 === 0 ? "accepted" : "duplicate" }));
      flushes.push({
        items,
        finish: () => {
          end();
          resolve(outcomes);
        },
        fail: (error) => {
          end();
          reject(error);
        },
      });
      for (const wake of waiting.splice(0)) wake();
      return promise;
    },
    sizeOf: () => itemBytes,
    queueMaxItems: items,
    queueMaxBytes: bytes,
  });
  /** The flush of that number, as soon as it has begun. */
  async function flush(number: number): Promise<Flush> {
    for (;;) {
      const found = flushes[number];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }
  return { writer, flush, flushes, mostInFlight: () => mostInFlight };
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const settled = async (promise: Promise<unknown>) => {
  const pending = Symbol("pending");
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
};

/** Calls back so many times within one turn of the event loop, with all microtasks done in between, as sockets are read. */
function inOneTurn(times: number, callBack: (n: number) => unknown): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const n of numbers(times)) setImmediate(() => callBack(n));
  setImmediate(resolve);
  return promise;
}

describe("group commit", () => {
  test("gathers requests that come together into one flush, and answers each with its own outcomes", async () => {
    const { writer, flush, flushes } = setup();
    const answers = [writer.write([0, 1]), writer.write([2]), writer.write([3, 5])];
    (await flush(0)).finish();
    expect(await Promise.all(answers)).toEqual([
      [{ status: "accepted" }, { status: "duplicate" }],
      [{ status: "accepted" }],
      [{ status: "duplicate" }, { status: "duplicate" }],
    ]);
    expect(flushes.map((one) => one.items)).toEqual([[0, 1, 2, 3, 5]]);
  });

  test("ends a flush before it is too large for one statement, but never splits a request", async () => {
    const { writer, flush, flushes } = setup({ bytes: FLUSH_MAX_BYTES * 9, itemBytes: FLUSH_MAX_BYTES / 3 });
    const answers = [[0], [2], [4], [6], [8, 10, 12, 14], [16]].map((items) => writer.write(items));
    for (let number = 0; number < 4; number++) (await flush(number)).finish();
    await Promise.all(answers);
    expect(flushes.map((one) => one.items)).toEqual([[0, 2, 4], [6], [8, 10, 12, 14], [16]]);
  });

  test("answers no request before the flush has ended", async () => {
    const { writer, flush } = setup();
    const answer = writer.write([0]);
    const under = await flush(0);
    expect(await settled(answer)).toBe(false);
    under.finish();
    expect(await answer).toEqual([{ status: "accepted" }]);
  });

  test("fills the next flush while one is under way", async () => {
    const { writer, flush, flushes } = setup();
    const first = writer.write([0]);
    const one = await flush(0);
    const others = [writer.write([2]), writer.write([4])];
    one.finish();
    await first;
    (await flush(1)).finish();
    await Promise.all(others);
    expect(flushes.map(({ items }) => items)).toEqual([[0], [2, 4]]);
  });

  test("waits for the end of the turn of the event loop, so that all requests of the turn share a flush", async () => {
    const { writer, flush } = setup();
    const answers: Promise<Outcome[]>[] = [];
    await inOneTurn(5, (n) => answers.push(writer.write([n])));
    const one = await flush(0);
    expect(one.items).toEqual([0, 1, 2, 3, 4]);
    one.finish();
    await Promise.all(answers);
  });

  test("waits for it also when a flush ends in that turn", async () => {
    const { writer, flush } = setup();
    const answers = [writer.write([0])];
    const one = await flush(0);
    answers.push(writer.write([1]));
    await inOneTurn(5, (n) => {
      if (n === 0) one.finish();
      answers.push(writer.write([2 + n]));
    });
    const two = await flush(1);
    expect(two.items).toEqual([1, 2, 3, 4, 5, 6]);
    two.finish();
    await Promise.all(answers);
  });

  test("begins a second concurrent flush when enough events wait, and never a third", async () => {
    const { writer, flush, flushes, mostInFlight } = setup();
    const answers = [writer.write([0])];
    await flush(0);
    answers.push(writer.write(numbers(SECOND_FLUSH_MIN_ITEMS)));
    await flush(1);
    for (let i = 0; i < 5; i++) answers.push(writer.write(numbers(FLUSH_MAX_ITEMS)));
    for (let i = 0; i < 7; i++) (await flush(i)).finish();
    await Promise.all(answers);
    expect(mostInFlight()).toBe(FLUSHES_IN_FLIGHT_MAX);
    expect(flushes).toHaveLength(7);
  });

  test("begins a flush within the turn of the event loop in which many requests have come", async () => {
    const { writer, flushes, flush } = setup();
    const answers = numbers(FLUSH_AT_ONCE_MIN_REQUESTS - 1).map((n) => writer.write([n]));
    expect(flushes).toHaveLength(0);
    answers.push(writer.write([0]));
    expect(flushes.map(({ items }) => items.length)).toEqual([FLUSH_AT_ONCE_MIN_REQUESTS]);
    (await flush(0)).finish();
    await Promise.all(answers);
  });

  test("begins the next flush before it answers the last one, when many requests wait", async () => {
    const { writer, flush, flushes } = setup();
    const begunWhenAnswered: number[] = [];
    const note = () => begunWhenAnswered.push(flushes.length);
    const first = writer.write([0]).then(note);
    const one = await flush(0);
    const waiting = numbers(FLUSH_AT_ONCE_MIN_REQUESTS).map((n) => writer.write([n]));
    expect(flushes).toHaveLength(1);
    one.finish();
    await first;
    expect(begunWhenAnswered).toEqual([2]);
    (await flush(1)).finish();
    await Promise.all(waiting);
  });

  test("flushes no more than the most at a time, but for a single request that is larger", async () => {
    const { writer, flush, flushes } = setup();
    const answers = [600, 400, 1, FLUSH_MAX_ITEMS + 50].map((count) => writer.write(numbers(count)));
    for (let i = 0; i < 3; i++) (await flush(i)).finish();
    await Promise.all(answers);
    expect(flushes.map(({ items }) => items.length)).toEqual([1_000, 1, 1_050]);
  });

  test("fails the requests of a failed flush, and continues with the next", async () => {
    const { writer, flush } = setup();
    const failing = [writer.write([0]), writer.write([2])];
    const one = await flush(0);
    const next = writer.write([4]);
    one.fail(new Error("the database is unavailable"));
    for (const { status } of await Promise.allSettled(failing)) expect(status).toBe("rejected");
    (await flush(1)).finish();
    expect(await next).toEqual([{ status: "accepted" }]);
  });

  test("fails them also when the flush throws before it begins", async () => {
    const writer = createWriter<number>({
      flush: () => {
        throw new Error("no");
      },
      sizeOf: () => 1,
      queueMaxItems: 1,
      queueMaxBytes: 1,
    });
    await expect(writer.write([0])).rejects.toThrow("no");
    await writer.drained();
  });
});

describe("the queue", () => {
  test("refuses what would make it longer than its limit, at once, and takes in again when it is shorter", async () => {
    const { writer, flush } = setup({ items: 10 });
    const first = writer.write([0]);
    const one = await flush(0);
    const waiting = writer.write(numbers(8));
    await expect(writer.write(numbers(3))).rejects.toBeInstanceOf(OverloadError);
    expect(writer.depth()).toEqual({ items: 8, bytes: 80, flushes: 1 });
    const fits = writer.write(numbers(2));
    one.finish();
    (await flush(1)).finish();
    await Promise.all([first, waiting, fits]);
    const later = writer.write(numbers(9));
    (await flush(2)).finish();
    await later;
    expect(writer.depth()).toEqual({ items: 0, bytes: 0, flushes: 0 });
  });

  test("is bounded by bytes too", async () => {
    const { writer, flush } = setup({ bytes: 50 });
    const first = writer.write([0]);
    const one = await flush(0);
    const waiting = writer.write(numbers(5));
    await expect(writer.write([0])).rejects.toBeInstanceOf(OverloadError);
    one.finish();
    (await flush(1)).finish();
    await Promise.all([first, waiting]);
  });

  test("takes one request that is larger than itself when nothing waits", async () => {
    const { writer, flush } = setup({ items: 10 });
    const large = writer.write(numbers(50));
    (await flush(0)).finish();
    expect(await large).toHaveLength(50);
  });
});

describe("draining", () => {
  test("is done at once when nothing is under way", async () => {
    await setup().writer.drained();
  });

  test("waits for what flushes and for what waits", async () => {
    const { writer, flush } = setup();
    const answers = [writer.write([0])];
    const one = await flush(0);
    answers.push(writer.write([2]));
    const drained = writer.drained();
    one.finish();
    await answers[0];
    expect(await settled(drained)).toBe(false);
    (await flush(1)).finish();
    await Promise.all([...answers, drained]);
  });

  test("ends also when the last flush fails", async () => {
    const { writer, flush } = setup();
    const answer = writer.write([0]);
    const one = await flush(0);
    const drained = writer.drained();
    one.fail(new Error("no"));
    await expect(answer).rejects.toThrow("no");
    await drained;
  });
});
