import { expect, test } from "bun:test";
import { OverloadError } from "../../errors.ts";
import { createBodyMemory, SMALL_BODY_BYTES_MAX } from "../body-memory.ts";

const KIB = 1024;
const BYTES_MAX = 100 * SMALL_BODY_BYTES_MAX;
const LARGE = 10 * SMALL_BODY_BYTES_MAX;

const newMemory = () => {
  let refusals = 0;
  const memory = createBodyMemory({
    bytes_max: BYTES_MAX,
    refusal: () => {
      refusals += 1;
      return new OverloadError("The memory is used up.", "FULL");
    },
  });
  return { ...memory, refusals: () => refusals };
};

/** Bodies of this size, until one is refused. */
function takeAll({ take }: ReturnType<typeof newMemory>, owner: string | null, bytes: number): number {
  for (let bodies = 0; ; bodies++) {
    try {
      take(owner, 0, bytes);
    } catch {
      return bodies;
    }
  }
}

test("refuses a body above the total limit, until another one is released", () => {
  const { take, giveBack, bytes, refusals } = newMemory();
  for (const owner of ["a", "b"]) take(owner, 0, BYTES_MAX / 2);
  expect(() => take("c", 0, LARGE)).toThrow(OverloadError);
  expect([bytes(), refusals()]).toEqual([BYTES_MAX, 1]);
  giveBack("a", BYTES_MAX / 2);
  take("c", 0, BYTES_MAX / 2);
  expect(bytes()).toBe(BYTES_MAX);
});

test("gives one owner half of the memory, each further owner half of the rest", () => {
  const memory = newMemory();
  expect(takeAll(memory, "a", LARGE)).toBe(5);
  expect(takeAll(memory, "b", LARGE)).toBe(2);
  expect(takeAll(memory, "c", LARGE)).toBe(1);
  expect(() => memory.take("a", 0, LARGE)).toThrow(OverloadError);
  memory.giveBack("a", LARGE);
  memory.take("c", 0, LARGE);
});

test("counts a body of several chunks as one", () => {
  const { take, giveBack, bytes } = newMemory();
  const piece = 48 * KIB;
  for (let held = 0; held < BYTES_MAX * 2; held += piece) take("a", held, piece);
  const held = Math.ceil((BYTES_MAX * 2) / piece) * piece;
  expect(bytes()).toBe(held);
  giveBack("a", held);
  expect(bytes()).toBe(0);
});

test("accepts a body above a share as the only one of its owner, and one above the total as the only one", () => {
  const { take, giveBack, bytes } = newMemory();
  take("a", 0, 3 * LARGE);
  take("b", 0, 7 * LARGE);
  expect(() => take("c", 0, 50 * LARGE)).toThrow(OverloadError);
  giveBack("a", 3 * LARGE);
  giveBack("b", 7 * LARGE);
  take("c", 0, 50 * LARGE);
  expect(() => take("a", 0, LARGE)).toThrow(OverloadError);
  giveBack("c", 50 * LARGE);
  expect(bytes()).toBe(0);
});

test("keeps room for small bodies when large ones fill the memory, and the reverse", () => {
  const memory = newMemory();
  memory.take("a", 0, 50 * LARGE);
  expect(takeAll(memory, "a", SMALL_BODY_BYTES_MAX)).toBe(25);
  expect(() => memory.take("b", 0, SMALL_BODY_BYTES_MAX + 1)).toThrow(OverloadError);
  memory.take("b", 0, SMALL_BODY_BYTES_MAX);
  memory.giveBack("a", 50 * LARGE);
  memory.take("b", SMALL_BODY_BYTES_MAX, LARGE);
});

test("keeps room for one more key when others hold their full shares", () => {
  const memory = newMemory();
  for (const key of ["a", "b", "c", "d", "e"]) expect(takeAll(memory, key, KIB)).toBeGreaterThan(0);
  memory.take("f", 0, SMALL_BODY_BYTES_MAX / 2);
});

test("limits all clients without a key to an eighth", () => {
  const memory = newMemory();
  expect(takeAll(memory, null, 16 * KIB)).toBe(25);
  expect(takeAll(memory, "a", 16 * KIB)).toBe(87);
});
