import width from "fast-string-width";
import type { Io } from "../io.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal begin with it.
const COLOUR = /(\u001b\[[0-9;]*m)/;

/** The text, or its beginning with "…", in so many columns. Colours in it are kept and ended. */
export function cutTo(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let cut = "";
  let used = 0;
  let isFull = false;
  for (const [index, part] of text.split(COLOUR).entries()) {
    if (index % 2 === 1) {
      cut += part;
      continue;
    }
    if (isFull) continue;
    for (const { segment } of new Intl.Segmenter().segment(part)) {
      const size = width(segment);
      isFull = used + size >= columns;
      if (isFull) break;
      cut += segment;
      used += size;
    }
    if (isFull) cut += "…";
  }
  return cut;
}

/** One line; on a terminal, cut to its width. */
export function printLine(io: Io, text: string): void {
  io.print(io.isTerminal ? cutTo(text, io.columns) : text);
}

/** Lines of text, broken between words where a terminal is narrower. */
export function wrapped({ isTerminal, columns }: Pick<Io, "isTerminal" | "columns">, text: string): string {
  if (!isTerminal) return text;
  return text
    .split("\n")
    .flatMap((line) => wrapLine(line, columns))
    .join("\n");
}

function wrapLine(line: string, columns: number): string[] {
  if (width(line) <= columns) return [line];
  const lines = [""];
  for (const word of line.split(/(?<= )/)) {
    const last = lines.at(-1) ?? "";
    if (last !== "" && width(last + word.trimEnd()) > columns) lines.push(word);
    else lines[lines.length - 1] = last + word;
  }
  return lines.map((one) => one.trimEnd());
}
