import { expect, test } from "bun:test";
import { createDeadline } from "../deadline.ts";

const MS = 10;

function setup() {
  let now_ms = 0;
  const deadline = createDeadline(MS, () => now_ms);
  const late: string[] = [];
  /** Its `lost` resolves when it is given up. */
  function start(name: string) {
    const { promise: lost, resolve } = Promise.withResolvers<void>();
    const done = deadline.start(() => {
      late.push(name);
      resolve();
    });
    return { lost, done };
  }
  return { start, late, setTime: (ms: number) => (now_ms = ms) };
}

test("what is not done in time is given up, once", async () => {
  const { start, late, setTime } = setup();
  const first = start("first");
  const second = start("second");
  setTime(MS);
  await Promise.all([first.lost, second.lost]);
  const third = start("third");
  setTime(2 * MS);
  await third.lost;
  expect(late).toEqual(["first", "second", "third"]);
});

test("what is done in time is never given up", async () => {
  const { start, late, setTime } = setup();
  const first = start("first");
  const second = start("second");
  first.done();
  setTime(MS);
  await second.lost;
  expect(late).toEqual(["second"]);
});

test("what is started beside something else has all of its time", async () => {
  const { start, late, setTime } = setup();
  const first = start("first");
  setTime(MS / 2);
  const second = start("second");
  setTime(MS);
  await first.lost;
  expect(late).toEqual(["first"]);
  setTime(MS + MS / 2);
  await second.lost;
  expect(late).toEqual(["first", "second"]);
});
