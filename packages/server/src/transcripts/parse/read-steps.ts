import { createLineSplitter, type Fact, type JsonObject, type Line, readRecord } from "@wharf/transcripts";
import type { RecordReader } from "./parsers.ts";

/** Lines by their outcome. Every physical line is a record, bad, blank, torn, oversized or unread; the others say more of records. */
export type LineCounts = {
  records: number;
  bad: number;
  blank: number;
  torn: number;
  oversized: number;
  /** Of another device, behind what could not be parsed. */
  unread: number;
  /** Records that repeat one of the file. */
  duplicate: number;
  /** Records of an unknown type, and those of them that are counted only. */
  unknown: number;
  unknown_left_out: number;
  replaced_characters: number;
};

export const NO_LINES: LineCounts = {
  records: 0,
  bad: 0,
  blank: 0,
  torn: 0,
  oversized: 0,
  unread: 0,
  duplicate: 0,
  unknown: 0,
  unknown_left_out: 0,
  replaced_characters: 0,
};

export function addLines(a: LineCounts, b: LineCounts): LineCounts {
  return {
    records: a.records + b.records,
    bad: a.bad + b.bad,
    blank: a.blank + b.blank,
    torn: a.torn + b.torn,
    oversized: a.oversized + b.oversized,
    unread: a.unread + b.unread,
    duplicate: a.duplicate + b.duplicate,
    unknown: a.unknown + b.unknown,
    unknown_left_out: a.unknown_left_out + b.unknown_left_out,
    replaced_characters: a.replaced_characters + b.replaced_characters,
  };
}

export type RecordFacts = { line: number; record: JsonObject; facts: Fact[] };

/** Consecutive lines of a file, which are written in one transaction. */
export type StepRead = {
  records: RecordFacts[];
  counts: LineCounts;
  /** Bytes and lines of the generation up to the end of the step. */
  end: number;
  /** The last line may continue. */
  is_open_ended: boolean;
  lines: number;
  /** Of the reader, after the step. */
  state: string;
};

export type StepsOptions = {
  /** Of the generation, from `from` on, in any parts. */
  bytes: AsyncIterable<Uint8Array>;
  from: number;
  lines: number;
  reader: RecordReader;
  /** Whether bytes behind the last newline are a line that will not be completed. */
  is_torn: boolean;
};

/** A transaction's lines: long enough that its fixed costs do not count, short enough for its locks and its memory. */
const STEP_BYTES = 1_000_000;
/** Records with a few bytes each: their rows take more than their bytes. */
const STEP_RECORDS_MAX = 5_000;
/** Blank lines have a byte each: a megabyte of them kept other requests waiting for 0.3 s. */
const STEP_LINES_MAX = 50_000;
/** A segment is split in portions, so that no more lines than a step holds are in memory. */
const PORTION_BYTES = 256_000;
/** A longer line is counted, and not read. */
export const LINE_BYTES_MAX = 32 * 1024 * 1024;

/** Reads a generation in steps. Holds the lines of one step, and one part of `bytes`. */
export async function* readSteps(options: StepsOptions): AsyncGenerator<StepRead> {
  const { reader } = options;
  const splitter = createLineSplitter({ offset: options.from, line_bytes_max: LINE_BYTES_MAX });
  let lines = options.lines;
  let step = emptyStep(options.from);
  let start = options.from;
  let before = lines;
  const take = () => ({ ...step, lines, state: reader.state() });
  for await (const part of options.bytes) {
    for (let at = 0; at < part.length; at += PORTION_BYTES) {
      for (const line of splitter.push(part.subarray(at, at + PORTION_BYTES))) {
        lines += 1;
        readLine(step, line, lines, reader);
        const isShort = step.records.length < STEP_RECORDS_MAX && lines - before < STEP_LINES_MAX;
        if (step.end - start < STEP_BYTES && isShort) continue;
        yield take();
        start = step.end;
        before = lines;
        step = emptyStep(start);
      }
    }
  }
  const torn = splitter.torn();
  if (options.is_torn && torn.bytes > 0) {
    lines += 1;
    step.counts.torn += 1;
    step.end = torn.start + torn.bytes;
    step.is_open_ended = true;
  }
  if (step.end > start) yield take();
}

type OpenStep = Pick<StepRead, "records" | "counts" | "end" | "is_open_ended">;

function emptyStep(end: number): OpenStep {
  return { records: [], counts: { ...NO_LINES }, end, is_open_ended: false };
}

function readLine(step: OpenStep, line: Line, number: number, reader: RecordReader): void {
  const { records, counts } = step;
  step.end = line.end;
  if (!("text" in line)) {
    counts.oversized += 1;
    return;
  }
  const read = readRecord(line.text);
  if (read.line !== "record") {
    counts[read.line] += 1;
    return;
  }
  counts.records += 1;
  counts.replaced_characters += read.replaced_characters;
  records.push({ line: number, record: read.record, facts: reader.read(read.record, number) });
}
