import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createPieceSplitter, oversizedLine, type Piece } from "../lines/split-pieces.ts";

const FILE = 'one\r\n\n{"ü":"\u2028\0"}\n\ufeffthree\nlast';

function split(
  bytes: Uint8Array,
  chunks: number[],
  options: { piece_bytes?: number; line_bytes_max?: number } = {},
) {
  const splitter = createPieceSplitter({ line_bytes_max: 1_000, ...options });
  const ends = [...chunks, bytes.length];
  const pieces = ends.flatMap((end, index) => splitter.push(bytes.subarray(ends[index - 1] ?? 0, end)));
  const whole = splitter.cut();
  const rest = splitter.end();
  return { whole: [...pieces, ...(whole === null ? [] : [whole])], rest };
}

const joined = (pieces: Piece[]) => Buffer.concat(pieces.map(({ bytes }) => bytes)).toString();
const sum = (pieces: Piece[], field: "lines" | "source_bytes") =>
  pieces.reduce((total, piece) => total + piece[field], 0);

describe("pieces of whole lines", () => {
  const bytes = Buffer.from(FILE);
  const wholeBytes = bytes.lastIndexOf("\n") + 1;

  test("hold every byte, however the file is cut into chunks", () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      for (const piece_bytes of [1, 7, 1_000]) {
        const { whole, rest } = split(bytes, [cut], { piece_bytes });
        expect(joined(whole)).toBe(bytes.subarray(0, wholeBytes).toString());
        expect([sum(whole, "lines"), sum(whole, "source_bytes")]).toEqual([4, wholeBytes]);
        expect(whole.every((piece) => piece.bytes.at(-1) === 10 && !piece.is_torn)).toBe(true);
        expect(rest).toEqual({
          source_bytes: 4,
          bytes: new Uint8Array(Buffer.from("last")),
          lines: 1,
          is_torn: true,
        });
      }
    }
  });

  test("are full with the line that reaches their size", () => {
    const { whole } = split(Buffer.from("12\n3456789\na\nb\n"), [], { piece_bytes: 4 });
    expect(whole.map((piece) => Buffer.from(piece.bytes).toString())).toEqual(["12\n3456789\n", "a\nb\n"]);
  });

  test("are none of an empty file and none of a line that is not complete", () => {
    expect(split(Buffer.from(""), [])).toEqual({ whole: [], rest: null });
    expect(split(Buffer.from("torn"), [2]).whole).toEqual([]);
  });

  test("hold a placeholder for a line that is too long, with its size and hash", () => {
    const long = "x".repeat(1_001);
    const placeholder = oversizedLine(1_001, createHash("sha256").update(long).digest("hex"));
    const file = Buffer.from(`a\n${long}\n${"y".repeat(1_000)}\n${long}`);
    for (const cuts of [[], [1], [3, 4, 900], [1_003], [1_004], [1_005]]) {
      const { whole, rest } = split(file, cuts);
      expect(joined(whole)).toBe(`a\n${placeholder}\n${"y".repeat(1_000)}\n`);
      expect(sum(whole, "source_bytes")).toBe(2 + 1_002 + 1_001);
      expect(rest?.source_bytes).toBe(1_001);
      expect(Buffer.from(rest?.bytes ?? []).toString()).toBe(placeholder);
    }
  });

  test("cost time in proportion to the bytes, also of empty lines alone", () => {
    const begin = performance.now();
    const { whole } = split(Buffer.alloc(20_000_000, "\n"), []);
    expect(sum(whole, "lines")).toBe(20_000_000);
    expect(performance.now() - begin).toBeLessThan(2_000);
  });
});
