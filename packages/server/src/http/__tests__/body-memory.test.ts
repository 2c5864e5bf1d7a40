import { expect, test } from "bun:test";
import { OverloadError } from "../../errors.ts";
import { createBodyMemory } from "../body-memory.ts";

const newMemory = () => {
  let refusals = 0;
  const memory = createBodyMemory({
    bytes_max: 100,
    onRefusal: () => {
      refusals += 1;
    },
  });
  return { ...memory, refusals: () => refusals };
};

test("all bodies together have a bound, above which one is refused until another is given back", () => {
  const { take, giveBack, bytes, refusals } = newMemory();
  for (const owner of ["a", "b"]) take(owner, 50);
  expect(() => take("c", 1)).toThrow(OverloadError);
  expect([bytes(), refusals()]).toEqual([100, 1]);
  giveBack("a", 50);
  take("c", 50);
  expect(bytes()).toBe(100);
});

test("one owner has half of it, in however many bodies", () => {
  const { take, giveBack, bytes } = newMemory();
  for (let body = 0; body < 5; body++) take("a", 10);
  expect(() => take("a", 1)).toThrow("retry later");
  take("b", 50);
  giveBack("a", 10);
  take("a", 10);
  expect(bytes()).toBe(100);
});

test("a body larger than a share is taken as its owner's only one; one larger than all, as the only one", () => {
  const { take, giveBack, bytes } = newMemory();
  take("a", 30);
  take("b", 70);
  expect(() => take("c", 500)).toThrow(OverloadError);
  giveBack("a", 30);
  giveBack("b", 70);
  take("c", 500);
  expect(() => take("a", 1)).toThrow(OverloadError);
  giveBack("c", 500);
  expect(bytes()).toBe(0);
});
