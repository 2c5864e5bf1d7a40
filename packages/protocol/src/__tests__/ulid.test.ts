import { describe, expect, test } from "bun:test";
import { createUlid, isUlid, ulidOf } from "../ulid.ts";

describe("a new ULID", () => {
  test("is one by our own pattern", () => {
    for (let i = 0; i < 1_000; i++) expect(isUlid(createUlid())).toBe(true);
  });

  test("begins with its time, so that later ones sort after earlier ones", () => {
    expect(createUlid(0)).toStartWith("0000000000");
    expect(createUlid(1_469_918_176_385)).toStartWith("01ARYZ6S41");
    expect(createUlid(2 ** 48 - 1)).toStartWith("7ZZZZZZZZZ");
    const times = [0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 2 ** 48 - 1];
    const ids = times.map((timeMs) => createUlid(timeMs));
    expect([...ids].sort()).toEqual(ids);
  });

  test("is not made twice, also within one millisecond", () => {
    const ids = new Set(Array.from({ length: 10_000 }, () => createUlid(1)));
    expect(ids.size).toBe(10_000);
  });
});

test("a ULID of bytes holds them as Crockford's base32", () => {
  expect(ulidOf(0, new Uint8Array(10))).toBe("0".repeat(26));
  expect(ulidOf(2 ** 48 - 1, new Uint8Array(10).fill(255))).toBe(`7${"Z".repeat(25)}`);
  expect(ulidOf(1_469_918_176_385, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 4, 1))).toBe(
    "01ARYZ6S410000000000000101",
  );
  expect(() => ulidOf(0, new Uint8Array(9))).toThrow(RangeError);
});

describe("text is a ULID", () => {
  test.each(["01ARZ3NDEKTSV4RRFFQ69G5FAV", "00000000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"])(
    "%s",
    (text) => {
      expect(isUlid(text)).toBe(true);
    },
  );
});

describe("text is no ULID", () => {
  test.each([
    ["empty", ""],
    ["too short", "01ARZ3NDEKTSV4RRFFQ69G5FA"],
    ["too long", "01ARZ3NDEKTSV4RRFFQ69G5FAVX"],
    ["in lower case", "01arz3ndektsv4rrffq69g5fav"],
    ["with a time beyond 48 bits", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ"],
    ["with I", "01ARZ3NDEKTSV4RRFFQ69G5FAI"],
    ["with L", "01ARZ3NDEKTSV4RRFFQ69G5FAL"],
    ["with O", "01ARZ3NDEKTSV4RRFFQ69G5FAO"],
    ["with U", "01ARZ3NDEKTSV4RRFFQ69G5FAU"],
    ["with a line's end", "01ARZ3NDEKTSV4RRFFQ69G5FAV\n"],
    ["a UUID", "123e4567-e89b-12d3-a456-426614174000"],
  ])("%s", (_, text) => {
    expect(isUlid(text)).toBe(false);
  });
});
