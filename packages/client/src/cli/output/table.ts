import width from "fast-string-width";
import type { Io } from "../io.ts";
import { cutTo } from "./fit-text.ts";
import { plain } from "./text.ts";

export type Column<Row> = {
  title: string;
  cell: (row: Row) => string;
  align?: "right";
  /** Of the cell on a terminal. */
  color?: (row: Row) => ((text: string) => string) | undefined;
  /** Keeps more characters than other text, where the space is short. */
  isWide?: boolean;
  /** Never cut, such as an id; numbers are not, either. */
  isWhole?: boolean;
  /** Left out on a terminal that is too narrow. */
  isOptional?: boolean;
};

const GAP = "  ";
const WIDE_CHARACTERS_MIN = 16;
const TEXT_CHARACTERS_MIN = 8;

type Lines = readonly (readonly string[])[];

/** A table on a terminal; otherwise one line per row with tabs between the cells, without titles. Without rows, `empty` to standard error. */
export function printTable<Row>(
  io: Io,
  given: readonly Column<Row>[],
  rows: readonly Row[],
  empty: string,
): void {
  if (rows.length === 0) {
    io.warn(empty);
    return;
  }
  const all = rows.map((row) => given.map(({ cell }) => plain(cell(row))));
  if (!io.isTerminal) {
    for (const line of all) io.print(line.join("\t"));
    return;
  }
  const names = given.map(({ title }) => title);
  const kept = chosen(given, [names, ...all], io.columns);
  const only = <Item>(items: readonly Item[]) => items.filter((_, index) => kept.includes(index));
  const [columns, titles, cells] = [only(given), only(names), all.map(only)];
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

/** The columns that fit: without optional ones, the last first, while the others would be cut too short. */
function chosen<Row>(columns: readonly Column<Row>[], lines: Lines, space: number): number[] {
  const widths = widthsOf(lines);
  let kept = columns.map((_, index) => index);
  const least = () =>
    kept.reduce(
      (sum, index) => sum + Math.min(widths[index] ?? 0, leastOf(columns[index])) + GAP.length,
      -GAP.length,
    );
  while (least() > space) {
    const last = kept.findLast((index) => columns[index]?.isOptional);
    if (last === undefined) break;
    kept = kept.filter((index) => index !== last);
  }
  return kept;
}

/** Cuts the widest column, again and again, until all fit or none can be cut. */
function fit<Row>(columns: readonly Column<Row>[], lines: Lines, space: number): number[] {
  const widths = widthsOf(lines);
  let excess = widths.reduce((sum, one) => sum + one, GAP.length * (columns.length - 1)) - space;
  for (; excess > 0; excess--) {
    const room = widths.map((one, index) => (one > leastOf(columns[index]) ? one : 0));
    const widest = room.indexOf(Math.max(...room));
    if (room[widest] === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function leastOf<Row>(column: Column<Row> | undefined): number {
  if (column === undefined || column.isWhole || column.align === "right") return Number.POSITIVE_INFINITY;
  return column.isWide ? WIDE_CHARACTERS_MIN : TEXT_CHARACTERS_MIN;
}

function widthsOf(lines: Lines): number[] {
  return (lines[0] ?? []).map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ""))));
}

function pad(text: string, target: number, isRight: boolean): string {
  const cut = cutTo(text, target);
  const space = " ".repeat(Math.max(0, target - width(cut)));
  return isRight ? space + cut : cut + space;
}
