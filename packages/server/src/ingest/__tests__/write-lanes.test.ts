import { describe, expect, test } from "bun:test";
import { OverloadError } from "../../errors.ts";
import { createWriteLanes } from "../write-lanes.ts";
import { FLUSH_MAX_BYTES, type Outcome } from "../writer.ts";

/** Two of these are too large for one flush. */
const LARGE = Math.ceil(FLUSH_MAX_BYTES * 0.6);

/** Items are their own sizes. Flushes end on the test's signal. */
function setup(queueMaxItems = 1_000) {
  const flushes: { items: readonly number[]; finish(): void }[] = [];
  const lanes = createWriteLanes<number>({
    flush: (items) => {
      const { promise, resolve } = Promise.withResolvers<Outcome[]>();
      flushes.push({ items, finish: () => resolve(items.map(() => ({ status: "accepted" }))) });
      return promise;
    },
    sizeOf: (size) => size,
    queueMaxItems,
    queueMaxBytes: LARGE * 8,
  });
  return { lanes, flushes };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("write lanes", () => {
  test("store a small request while large ones wait for each other", async () => {
    const { lanes, flushes } = setup();
    const large = [1, 2, 3].map((n) => lanes.write([LARGE + n]));
    await turn();
    const small = lanes.write([1]);
    await turn();
    expect(flushes.map(({ items }) => items)).toEqual([[LARGE + 1], [1]]);
    flushes[1]?.finish();
    expect(await small).toEqual([{ status: "accepted" }]);
    expect(lanes.depth()).toEqual({ items: 2, bytes: 2 * LARGE + 5, flushes: 1 });
    flushes[0]?.finish();
    await large[0];
    await turn();
    flushes[2]?.finish();
    await large[1];
    await turn();
    flushes[3]?.finish();
    await Promise.all([...large, lanes.drained()]);
    expect(lanes.depth()).toEqual({ items: 0, bytes: 0, flushes: 0 });
  });

  test("refuse large requests beyond their half of the queue, and still take small ones", async () => {
    const { lanes } = setup();
    const taken = Array.from({ length: 3 }, () => lanes.write([LARGE]));
    await turn();
    for (let n = 0; n < 2; n += 1) taken.push(lanes.write([LARGE]));
    await expect(lanes.write([LARGE])).rejects.toBeInstanceOf(OverloadError);
    taken.push(lanes.write([1]));
    await turn();
    expect(lanes.depth().flushes).toBe(2);
  });

  test("leave a tenth of the queue to requests of a few events", async () => {
    const { lanes } = setup(100);
    const batch = () => lanes.write(Array.from({ length: 45 }, () => 1));
    const taken = [lanes.write([1])];
    await turn();
    taken.push(batch(), batch());
    await expect(batch()).rejects.toBeInstanceOf(OverloadError);
    for (let n = 0; n < 10; n += 1) taken.push(lanes.write([1]));
    await expect(lanes.write([1])).rejects.toBeInstanceOf(OverloadError);
    expect(taken).toHaveLength(13);
  });
});
