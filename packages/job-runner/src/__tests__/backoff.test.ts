import { expect, test } from "bun:test";
import { storableJson, storableText } from "../contract/storable-json.ts";
import { backoffMs, RETRY_BACKOFF } from "../engine/backoff.ts";

const middle = () => 0.5;

test("retries wait 200 ms, then twice as long each time, up to 5 s", () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => backoffMs(failures, RETRY_BACKOFF, middle));
  expect(delays).toEqual([200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
});

test("jitter varies a delay by a fifth to both sides", () => {
  expect(backoffMs(1, RETRY_BACKOFF, () => 0)).toBeCloseTo(160);
  expect(backoffMs(1, RETRY_BACKOFF, () => 1)).toBeCloseTo(240);
});

test("a thousand failures are still a finite delay", () => {
  expect(backoffMs(10_000, RETRY_BACKOFF, middle)).toBe(5000);
});

test("storable JSON replaces only NUL characters and lone surrogates", () => {
  const value = {
    nul: "a\u0000",
    high: "\ud83d",
    low: "\udc00",
    pair: "😀",
    escaped: "\\u0000",
    both: "\\\u0000",
  };
  expect(JSON.parse(storableJson(value))).toEqual({
    nul: "a\ufffd",
    high: "\ufffd",
    low: "\ufffd",
    pair: "😀",
    escaped: "\\u0000",
    both: "\\\ufffd",
  });
  expect<string>(storableJson(undefined)).toBe("null");
});

test("text for Postgres is cut, well-formed and without NUL", () => {
  expect(storableText("a\u0000b\ud800cd", 4)).toBe("a\ufffdb\ufffd");
});
