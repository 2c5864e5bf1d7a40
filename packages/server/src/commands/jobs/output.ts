import { styleText } from "node:util";
import type { JobState } from "@wharf/protocol";

export type Cell = string | number | null;
export type Row = Readonly<Record<string, Cell>>;

export type Output = {
  /** With --json: the whole answer, as the API gives it. Otherwise nothing. */
  json(answer: unknown): boolean;
  /** Rows with the same keys: an aligned table on a terminal, or `nothing` where there is none; lines with tabs in a pipe. */
  rows(rows: readonly Row[], nothing: string): void;
  line(text: string): void;
};

/** What a terminal shows; injected, so that a test can look at a table without one. */
export type Screen = {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
};

const DEFAULT_COLUMNS = 120;
const GAP = "  ";
/** What moves the cursor, rings or colours must not come out of the database. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const CONTROL_CHARACTERS = /[\u0000-\u001F\u007F-\u009F]+/g;

const STATE_COLOURS: Readonly<
  Record<JobState, "green" | "cyan" | "yellow" | "blue" | "red" | "gray" | "magenta">
> = {
  ready: "cyan",
  scheduled: "blue",
  waiting: "magenta",
  running: "yellow",
  completed: "green",
  dead: "red",
  cancelled: "gray",
};

export function createOutput(screen: Screen, isJson: boolean): Output {
  const isTerminal = screen.isTTY === true;

  function json(answer: unknown): boolean {
    if (isJson) screen.write(`${JSON.stringify(answer, null, isTerminal ? 2 : 0)}\n`);
    return isJson;
  }

  function line(text: string): void {
    screen.write(`${clean(text)}\n`);
  }

  function rows(all: readonly Row[], nothing: string): void {
    if (isTerminal && all.length === 0) line(nothing);
    else if (isTerminal) screen.write(table(all, screen.columns || DEFAULT_COLUMNS));
    else for (const row of all) screen.write(`${Object.values(row).map(text).join("\t")}\n`);
  }

  return { json, rows, line };
}

/** Columns as wide as their widest cell; the last one is cut at the edge of the screen. */
function table(rows: readonly Row[], columns: number): string {
  const names = Object.keys(rows[0] ?? {});
  const widths = names.map((name) =>
    Math.max(name.length, ...rows.map((row) => text(row[name] ?? null).length)),
  );
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const fitting = widths.with(-1, Math.max(8, Math.min(widths.at(-1) ?? 0, columns - before)));
  const head = names.map((name, at) => styleText("bold", name.toUpperCase().padEnd(fitting[at] ?? 0)));
  const body = rows.map((row) =>
    names
      .map((name, at) => coloured(name, cut(text(row[name] ?? null), fitting[at] ?? 0)))
      .join(GAP)
      .trimEnd(),
  );
  return `${[head.join(GAP), ...body].join("\n")}\n`;
}

function coloured(column: string, cell: string): string {
  if (column !== "state") return cell;
  const colour = Object.entries(STATE_COLOURS).find(([state]) => state === cell.trimEnd())?.[1];
  return colour === undefined ? cell : styleText(colour, cell);
}

function cut(cell: string, width: number): string {
  return cell.length > width ? `${cell.slice(0, width - 1)}…` : cell.padEnd(width);
}

function text(cell: Cell): string {
  return cell === null ? "-" : clean(String(cell));
}

function clean(value: string): string {
  return value.replace(CONTROL_CHARACTERS, " ");
}
