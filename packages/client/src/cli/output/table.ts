import width from "fast-string-width";
import type { Io } from "../io.ts";
import { plain } from "./text.ts";

export type Column<Row> = {
  title: string;
  cell: (row: Row) => string;
  align?: "right";
  /** Of the cell on a terminal. */
  color?: (row: Row) => ((text: string) => string) | undefined;
  /** Takes the space that the others leave; at most one. */
  isWide?: boolean;
};

const GAP = "  ";
const WIDE_CHARACTERS_MIN = 12;

/** A table on a terminal; otherwise one line per row with tabs between the cells, without titles. */
export function printTable<Row>(io: Io, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  const cells = rows.map((row) => columns.map(({ cell }) => plain(cell(row))));
  if (!io.isTerminal) {
    for (const line of cells) io.print(line.join("\t"));
    return;
  }
  const titles = columns.map(({ title }) => title);
  const widths = fit(columns, [titles, ...cells], io.columns);
  const write = (line: readonly string[], paint: readonly (((text: string) => string) | undefined)[] = []) =>
    line
      .map((text, index) => {
        const cell = pad(text, widths[index] ?? 0, columns[index]?.align === "right");
        return paint[index]?.(cell) ?? cell;
      })
      .join(GAP)
      .trimEnd();
  io.print(io.colors.dim(write(titles)));
  rows.forEach((row, at) => {
    const paint = columns.map(({ color }) => color?.(row));
    io.print(write(cells[at] ?? [], paint));
  });
}

function fit<Row>(
  columns: readonly Column<Row>[],
  lines: readonly (readonly string[])[],
  space: number,
): number[] {
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ""))));
  const total = widths.reduce((sum, one) => sum + one, GAP.length * (columns.length - 1));
  const wide = columns.findIndex(({ isWide }) => isWide);
  const excess = total - space;
  if (wide === -1 || excess <= 0) return widths;
  return widths.map((one, index) => (index === wide ? Math.max(WIDE_CHARACTERS_MIN, one - excess) : one));
}

function pad(text: string, target: number, isRight: boolean): string {
  const cut = cutTo(text, target);
  const space = " ".repeat(Math.max(0, target - width(cut)));
  return isRight ? space + cut : cut + space;
}

function cutTo(text: string, target: number): string {
  if (width(text) <= target) return text;
  let cut = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (width(cut + segment) >= target) break;
    cut += segment;
  }
  return `${cut}…`;
}
