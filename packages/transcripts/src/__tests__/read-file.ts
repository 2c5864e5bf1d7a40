import { join } from "node:path";
import { Glob } from "bun";
import { createLineSplitter, type Fact, type Parser, readRecord, type TranscriptFile } from "../index.ts";

export type FileRead = {
  file: TranscriptFile;
  facts: Fact[];
  lines: { total: number; records: number; bad: number; blank: number; torn: number; duplicate: number };
  replaced_characters: number;
};

const LINE_BYTES_MAX = 32 * 1024 * 1024;

/** Reads a file in parts of `part_bytes`, with the parser's state written out and read again between them. */
export async function readTranscript<State>(
  parser: Parser<State>,
  path: string,
  file: TranscriptFile,
  part_bytes = 1_000,
): Promise<FileRead> {
  const bytes = await Bun.file(path).bytes();
  const splitter = createLineSplitter({ line_bytes_max: LINE_BYTES_MAX });
  const read: FileRead = {
    file,
    facts: [...(parser.readPath?.(file.file) ?? [])],
    lines: { total: 0, records: 0, bad: 0, blank: 0, torn: 0, duplicate: 0 },
    replaced_characters: 0,
  };
  const keys = new Set<string>();
  let state = parser.begin(file);
  for (let offset = 0; offset < bytes.length; offset += part_bytes) {
    for (const line of splitter.push(bytes.subarray(offset, offset + part_bytes))) {
      read.lines.total += 1;
      const result = "text" in line ? readRecord(line.text) : ({ line: "bad" } as const);
      if (result.line !== "record") {
        read.lines[result.line] += 1;
        continue;
      }
      read.lines.records += 1;
      read.replaced_characters += result.replaced_characters;
      const facts = parser.read(state, result.record, read.lines.total);
      const repeated = facts.flatMap((fact) =>
        fact.fact === "message" && keys.has(fact.message.key) ? [fact.message.key] : [],
      );
      if (repeated.length > 0 && parser.repeated === "dropped") {
        read.lines.duplicate += 1;
        continue;
      }
      read.facts = read.facts.filter(
        (fact) => fact.fact !== "message" || !repeated.includes(fact.message.key),
      );
      read.facts.push(...facts);
      for (const fact of facts) if (fact.fact === "message") keys.add(fact.message.key);
    }
    state = JSON.parse(JSON.stringify(state));
  }
  if (splitter.torn().bytes > 0) {
    read.lines.torn += 1;
    read.lines.total += 1;
  }
  return read;
}

export const CASES = join(import.meta.dir, "cases");

/** What a case expects: `expected.json`. */
export type Expected = {
  sessions: (Record<string, unknown> & { id: string })[];
  totals: Record<string, unknown>;
  lines: Record<string, Record<string, number>>;
  replaced_characters?: number;
};

/** The cases whose home holds this folder. */
export function casesOf(folder: string): string[] {
  return casesWith(`home/${folder}`);
}

/** The cases that hold this file or folder. */
export function casesWith(path: string): string[] {
  const found = new Glob(`*/${path}`).scanSync({ cwd: CASES, onlyFiles: false, dot: true });
  return [...found].map((place) => place.split("/")[0] ?? "").sort();
}
