import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLineSplitter, type Line, readRecord } from "../index.ts";

const encoder = new TextEncoder();

function split(parts: Uint8Array[], line_bytes_max = 1_000) {
  const splitter = createLineSplitter({ line_bytes_max });
  const lines = parts.flatMap((part) => splitter.push(part));
  return { lines, torn: splitter.torn() };
}

function textsOf(lines: Line[]): (string | number)[] {
  return lines.map((line) => ("text" in line ? line.text : line.oversized_bytes));
}

describe("a file in parts", () => {
  test("gives the same lines wherever it is cut", () => {
    const pieces = fc.array(fc.constantFrom("a", "é", "😀", "\u2028", "\r", "\n", "\n\n", "long enough"));
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(40)), fc.integer({ min: 1, max: 30 }), (texts, cuts, limit) => {
        const bytes = encoder.encode(texts.join(""));
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b)];
        const parts = places.map((from, index) => bytes.slice(from, places[index + 1] ?? bytes.length));
        expect(split(parts, limit)).toEqual(split([bytes], limit));
      }),
    );
  });

  test("has lines that end at newlines alone, with their places in bytes", () => {
    const { lines, torn } = split([encoder.encode("é\u2028\r\n\nx")]);
    expect(lines).toEqual([
      { start: 0, end: 7, text: "é\u2028\r" },
      { start: 7, end: 8, text: "" },
    ]);
    expect(torn).toEqual({ start: 8, bytes: 1 });
  });

  test("continues at the start of a line", () => {
    const splitter = createLineSplitter({ offset: 70, line_bytes_max: 10 });
    expect(splitter.push(encoder.encode("ab\n"))).toEqual([{ start: 70, end: 73, text: "ab" }]);
  });

  test("keeps size and hash of a line that is too long, and reads on behind it", () => {
    const long = "x".repeat(25);
    const sha256 = new Bun.CryptoHasher("sha256").update(long).digest("hex");
    for (const cut of [1, 7, 100]) {
      const bytes = encoder.encode(`a\n${long}\nb\n`);
      const parts = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, index) =>
        bytes.slice(index * cut, (index + 1) * cut),
      );
      const { lines } = split(parts, 10);
      expect(textsOf(lines)).toEqual(["a", 25, "b"]);
      expect(lines[1]).toMatchObject({ sha256, start: 2, end: 28 });
    }
  });

  test("survives a sender that reuses its buffer", () => {
    const splitter = createLineSplitter({ line_bytes_max: 100 });
    const buffer = encoder.encode("abc");
    splitter.push(buffer);
    buffer.set(encoder.encode("de\n"));
    expect(textsOf(splitter.push(buffer))).toEqual(["abcde"]);
  });
});

describe("a line", () => {
  test("is a record, blank or bad", () => {
    expect(readRecord('\uFEFF{"a":1}\r')).toEqual({
      line: "record",
      record: { a: 1 },
      replaced_characters: 0,
    });
    for (const blank of ["", "  ", "\r", "\uFEFF"]) expect(readRecord(blank).line).toBe("blank");
    for (const bad of ["{", "1", "null", "[]", '"x"', "{} {}", '{"a":"\u0000"}'])
      expect(readRecord(bad).line).toBe("bad");
  });

  test("has no NUL and no half surrogate in its names and values", () => {
    const read = readRecord(String.raw`{"a\u0000":["\ud83d","\uDE00 \ud83d\ude00",{"b":"\\u0000"}]}`);
    expect(read).toEqual({
      line: "record",
      record: { "a\uFFFD": ["\uFFFD", "\uFFFD 😀", { b: "\\u0000" }] },
      replaced_characters: 3,
    });
  });

  test.each([
    ["a list", (depth: number, text: string) => `{"a":${"[".repeat(depth)}"${text}"${"]".repeat(depth)}}`],
    ["an object", (depth: number, text: string) => `${'{"a":'.repeat(depth)}"${text}"${"}".repeat(depth)}`],
  ])("that nests %s too deep for the stack is bad, with characters to replace and without", (_, nested) => {
    for (const text of ["\\u0000", "x"]) {
      expect(readRecord(nested(500, text)).line).toBe("record");
      expect(readRecord(nested(1_002, text)).line).toBe("bad");
      expect(readRecord(nested(100_000, text)).line).toBe("bad");
    }
  });

  test("keeps a member named __proto__ a plain member", () => {
    const read = readRecord(String.raw`{"__proto__":{"x":"\u0000"}}`);
    expect(read.line === "record" && Object.keys(read.record)).toEqual(["__proto__"]);
  });
});
