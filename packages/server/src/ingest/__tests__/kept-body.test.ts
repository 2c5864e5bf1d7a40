import { describe, expect, test } from "bun:test";
import { keptUnreadable, SEARCHED_CHARACTERS_MAX } from "../kept-body.ts";

describe("what is kept of a line that cannot be read holds none of its remotes", () => {
  test.each([
    ["one", '{"remote":"secret","a":1', '{"remote":"[…]","a":1'],
    [
      "two, with white space around the colon",
      '{"git_remote" : "s1","x":{"remote"\t:"s2"},',
      '{"git_remote":"[…]","x":{"remote":"[…]"},',
    ],
    ["one with escaped quotes", String.raw`{"remote":"a\"b\\","c":2`, '{"remote":"[…]","c":2'],
    ["one that the end of the line cuts off", '{"a":1,"remote_url":"secret', '{"a":1,"remote_url":"[…]"'],
    ["one that ends within an escape", '{"workspace_id":"secret\\', '{"workspace_id":"[…]"'],
    ["one with a line separator", '{"remote":"a\u2028b","c":3', '{"remote":"[…]","c":3'],
    ["none, where a remote is named in a text", '{"a":"the \\"remote\\": x"', '{"a":"the \\"remote\\": x"'],
  ])("%s", (_, line, kept) => {
    expect(keptUnreadable(line)).toBe(kept);
  });
});

describe("a line of a megabyte is searched within a share of a turn", () => {
  test.each([
    ["a remote without an end", '{"remote":"', "a"],
    ["a remote of escaped quotes without an end", '{"remote":"', '\\"'],
    ["a remote of backslashes", '{"remote":"', "\\\\"],
    ["a name without a remote", '{"remote"', " "],
    ["many remotes", "{", '"remote":"a",'],
    ["many names", "{", '"remote":'],
  ])("%s", (_, start, part) => {
    const line = start + part.repeat((SEARCHED_CHARACTERS_MAX - start.length) / part.length);
    const durations_ms = Array.from({ length: 3 }, () => {
      const startedAt = performance.now();
      keptUnreadable(line);
      return performance.now() - startedAt;
    });
    expect(Math.min(...durations_ms)).toBeLessThan(150);
  });
});
