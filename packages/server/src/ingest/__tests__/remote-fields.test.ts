import { expect, spyOn, test } from "bun:test";
import { mayHoldCredentials, REMOTE_KEYS } from "../remote-fields.ts";

const mayHold = (value: unknown) => mayHoldCredentials(value, JSON.stringify(value));

test("a key that names a remote is found in any case and at any depth", () => {
  for (const key of REMOTE_KEYS)
    for (const written of [key, key.toUpperCase(), `${key.slice(0, 1).toUpperCase()}${key.slice(1)}`])
      expect(mayHold({ a: [1, { b: { [written]: "x" } }] })).toBe(true);
});

test("a URL with an account is found in a text", () => {
  expect(mayHold({ text: "see https://me:secret@host/" })).toBe(true);
});

test("of a tool's payload no key is written in lower case, and no text is searched by a pattern", () => {
  const payload = { tool_name: "Edit", duration_ms: 3, input: { path: "remote", list: ["origin", 1, null] } };
  const lower = spyOn(String.prototype, "toLowerCase");
  const search = spyOn(RegExp.prototype, "test");
  try {
    expect(mayHold(payload)).toBe(false);
    expect([lower.mock.calls.length, search.mock.calls.length]).toEqual([0, 0]);
  } finally {
    lower.mockRestore();
    search.mockRestore();
  }
});
