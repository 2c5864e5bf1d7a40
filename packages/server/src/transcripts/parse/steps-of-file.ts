import { readRecord } from "@wharf/transcripts";
import type { UnparsedGeneration } from "../../db/transcripts/unparsed-generations.ts";
import { readStored, type StoredTranscripts } from "../read-stored.ts";
import { PARSERS, type RecordReader } from "./parsers.ts";
import { LINE_BYTES_MAX, NO_LINES, readSteps, type StepRead } from "./read-steps.ts";
import type { OpenGeneration } from "./write-step.ts";

export type Opened = { open: OpenGeneration; reader: RecordReader };

/** The steps of a generation from where it was left: by lines, as one JSON document, or none of its content. */
export async function* stepsOfFile(
  stored: StoredTranscripts,
  generation: UnparsedGeneration,
  { open, reader }: Opened,
): AsyncGenerator<StepRead> {
  switch (wayToRead(generation)) {
    case "lines":
      yield* readSteps({
        bytes: readStored(stored, generation, open.position),
        from: open.position,
        lines: generation.parsed_lines,
        reader,
        is_torn: generation.is_torn,
      });
      return;
    case "whole":
      yield await readWhole(stored, generation);
      return;
    case "raw":
      yield { ...NOTHING_READ, end: generation.stored_bytes };
  }
}

/** A workflow's journal names the subagents of its steps. Other indexes are about several sessions. */
const JOURNAL = /(?:^|\/)journal\.jsonl$/;

export function wayToRead({
  agent,
  kind,
  file,
}: Pick<UnparsedGeneration, "agent" | "kind" | "file">): "lines" | "whole" | "raw" {
  const isDocument = file.endsWith(".json");
  switch (kind) {
    case "main":
    case "subagent":
      return isDocument && PARSERS[agent].readMeta !== undefined ? "whole" : "lines";
    case "meta":
      return isDocument && PARSERS[agent].readMeta !== undefined ? "whole" : "raw";
    case "index":
      return agent === "claude-code" && JOURNAL.test(file) ? "lines" : "raw";
    case "tool-result":
      return "raw";
  }
}

const NOTHING_READ: StepRead = {
  records: [],
  counts: NO_LINES,
  end: 0,
  is_open_ended: true,
  lines: 0,
  state: "null",
};

/** Small files, which come whole. One that is not complete yet is bad, and is read again when it has grown. */
async function readWhole(stored: StoredTranscripts, generation: UnparsedGeneration): Promise<StepRead> {
  const { agent, file, stored_bytes } = generation;
  const step = { ...NOTHING_READ, end: stored_bytes, lines: 1 };
  if (stored_bytes > LINE_BYTES_MAX) return { ...step, counts: { ...NO_LINES, oversized: 1 } };
  const parts: Uint8Array[] = [];
  for await (const bytes of readStored(stored, generation)) parts.push(bytes);
  const read = readRecord(new TextDecoder().decode(Buffer.concat(parts)));
  if (read.line !== "record") return { ...step, counts: { ...NO_LINES, [read.line]: 1 } };
  const { record, replaced_characters } = read;
  const facts = PARSERS[agent].readMeta?.(file, record) ?? [];
  return {
    ...step,
    records: [{ line: 1, record, facts }],
    counts: { ...NO_LINES, records: 1, replaced_characters },
  };
}
