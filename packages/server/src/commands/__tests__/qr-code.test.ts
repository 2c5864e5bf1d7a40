import { expect, test } from "bun:test";
import { encode } from "uqr";
import { qrCodeLines } from "../qr-code.ts";

const LINE = "curl -fsS https://wharf.example.com/install.sh | sh -s -- 7K3M-Q9TX-40VB";
/** Light modules of the upper and the lower half. */
const HALVES: Record<string, readonly [boolean, boolean]> = {
  "█": [true, true],
  "▀": [true, false],
  "▄": [false, true],
  " ": [false, false],
};

test("a QR code has the modules of its text, and is left out where the terminal is too narrow", () => {
  const lines = qrCodeLines(LINE, 80) ?? [];
  const { data, size } = encode(LINE, { border: 2 });
  const rows = lines.map((line) => Bun.stripANSI(line));
  const lightAt = (x: number, y: number) => HALVES[rows[y >> 1]?.[x] ?? ""]?.[y & 1];
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) expect(lightAt(x, y)).toBe(data[y]?.[x] === false);
  expect(qrCodeLines(LINE, size)).toHaveLength(Math.ceil(size / 2));
  expect(qrCodeLines(LINE, size - 1)).toBeNull();
});
