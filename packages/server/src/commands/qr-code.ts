import { renderUnicodeCompact } from "uqr";

/** Light modules on a dark ground, also in a terminal with a light one. */
const COLORS = { begin: "\u001b[97;40m", end: "\u001b[0m" };

/** The text as a QR code in lines for a terminal; null where it is too narrow. */
export function qrCodeLines(text: string, columns: number): string[] | null {
  const lines = renderUnicodeCompact(text, { border: 2 }).split("\n");
  const width = Math.max(...lines.map((line) => line.length));
  return width > columns ? null : lines.map((line) => `${COLORS.begin}${line}${COLORS.end}`);
}
