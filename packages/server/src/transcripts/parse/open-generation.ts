import { createLineSplitter, type Fact, readRecord } from "@wharf/transcripts";
import { readTurns } from "../../db/transcripts/forks.ts";
import type { UnparsedGeneration } from "../../db/transcripts/unparsed-generations.ts";
import { readStored, type StoredTranscripts } from "../read-stored.ts";
import { type AgentParser, PARSERS } from "./parsers.ts";
import { NO_LINES } from "./read-steps.ts";
import { type Opened, wayToRead } from "./steps-of-file.ts";
import { type Fork, NOTHING_CARRIED, readCounts, readState } from "./stored-state.ts";

/** A line of a beginning is looked at up to here: what a fork begins with is shorter. */
const HEAD_LINE_BYTES_MAX = 4_000_000;

/** Continues where the generation's last step ended, or begins it. */
export async function openGeneration(
  stored: StoredTranscripts,
  generation: UnparsedGeneration,
): Promise<Opened> {
  const { agent, session_id, file, parser_state } = generation;
  const parser = PARSERS[agent];
  const path_facts = parser.readPath?.(file) ?? [];
  const base = {
    generation,
    repeated: parser.repeated,
    parser_version: parser.version,
    agent_id: agentIdOf(path_facts),
    path_facts,
    position: generation.parsed_bytes,
  };
  const way = wayToRead(generation);
  if (way !== "lines") {
    const reader = parser.open({ session_id, file }, null);
    return { open: { ...base, fork: null, carried: NOTHING_CARRIED, counts: NO_LINES }, reader };
  }
  const counts = readCounts(generation.counts);
  if (parser_state !== null && generation.parsed_bytes > 0) {
    const { reader, ...state } = readState(parser_state);
    return {
      open: { ...base, ...state, counts },
      reader: parser.open({ session_id, file }, reader),
    };
  }
  const { fork, turns } = generation.parsed_bytes > 0 ? NO_FORK : await findFork(stored, generation, parser);
  const transcript = { session_id, file, ...(turns.length > 0 && { parent_turns: turns }) };
  return {
    open: { ...base, fork, carried: NOTHING_CARRIED, counts },
    reader: parser.open(transcript, null),
  };
}

function agentIdOf(facts: readonly Fact[]): string | null {
  const fact = facts.find((found) => found.fact === "subagent");
  return fact?.fact === "subagent" ? fact.agent_id : null;
}

type Beginning = { fork: Fork | null; turns: string[] };
const NO_FORK: Beginning = { fork: null, turns: [] };

/** A file that another session's turns begin: its first record names that session. */
async function findFork(
  stored: StoredTranscripts,
  generation: UnparsedGeneration,
  parser: AgentParser,
): Promise<Beginning> {
  const facts = await readFirstRecord(stored, generation, parser);
  const origin = facts.find((fact) => fact.fact === "origin");
  const parent = origin?.fact === "origin" ? (origin.parent ?? origin.forked_from) : null;
  if (parent === null || parent === generation.session_id) return NO_FORK;
  const turns = await stored.database.run((sql) => readTurns(sql, parent, generation.device_id));
  return { fork: { parent, turns: turns.length }, turns };
}

async function readFirstRecord(
  stored: StoredTranscripts,
  generation: UnparsedGeneration,
  parser: AgentParser,
): Promise<Fact[]> {
  const { session_id, file } = generation;
  const splitter = createLineSplitter({ line_bytes_max: HEAD_LINE_BYTES_MAX });
  for await (const bytes of readStored(stored, generation)) {
    for (const line of splitter.push(bytes.subarray(0, HEAD_LINE_BYTES_MAX))) {
      const read = "text" in line ? readRecord(line.text) : null;
      if (read?.line === "record") return parser.open({ session_id, file }, null).read(read.record, 1);
    }
  }
  return [];
}
