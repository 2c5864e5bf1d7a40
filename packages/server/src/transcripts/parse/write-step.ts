import { type Agent, type Fact, isObject, text } from "@wharf/transcripts";
import type { Connection } from "../../db/connection.ts";
import type { Sql } from "../../db/postgres.ts";
import { withinTransaction } from "../../db/transaction.ts";
import { keysOfFile, lockFolding } from "../../db/transcripts/fold-responses.ts";
import { findCalls, findHidden, findShown, lockSessionOfStep } from "../../db/transcripts/known-rows.ts";
import type { StepRows } from "../../db/transcripts/parsed-rows.ts";
import type { Query } from "../../db/transcripts/query.ts";
import { noteDerivations, noteFirstAt, noteProgress } from "../../db/transcripts/step-progress.ts";
import type { UnparsedGeneration } from "../../db/transcripts/unparsed-generations.ts";
import { writeCalls } from "../../db/transcripts/write-calls.ts";
import { writeFacts, writeSubagents } from "../../db/transcripts/write-facts.ts";
import { type StepPlace, writeMessages } from "../../db/transcripts/write-messages.ts";
import { writeSightings } from "../../db/transcripts/write-sightings.ts";
import { writeDocuments } from "../../search/write-documents.ts";
import { foldAndPrice } from "./fold-and-price.ts";
import { idsOf, type KnownRows, planStep } from "./plan-step.ts";
import { addLines, type LineCounts, type StepRead } from "./read-steps.ts";
import { type Carried, type Fork, writeState } from "./stored-state.ts";
import { isoOf } from "./values.ts";

/** A generation that is being read, and how far it is. */
export type OpenGeneration = {
  generation: UnparsedGeneration;
  repeated: "dropped" | "replaces";
  parser_version: number;
  /** The subagent whose file it is, by the agent's id. */
  agent_id: string | null;
  /** What its path says. */
  path_facts: readonly Fact[];
  fork: Fork | null;
  carried: Carried;
  counts: LineCounts;
  /** The end of what is written. */
  position: number;
};

/** Another run parses the session, its file is to be read again, or the session is deleted: nothing of the step is written. */
export class StepOvertakenError extends Error {
  constructor() {
    super("The step was written by another run, or the session is read again or deleted.");
    this.name = "StepOvertakenError";
  }
}

/** The longest id of a subagent that is kept; agents write 8 to 40 characters. */
const AGENT_ID_CHARACTERS_MAX = 300;

/**
 * Writes a step in one transaction: its rows, the responses over all files that they change, and how far the generation is parsed.
 * Changes `open` after the commit, and returns the sessions whose columns change. Throws StepOvertakenError.
 */
export async function writeStep(
  connection: Connection,
  sql: Sql,
  open: OpenGeneration,
  read: StepRead,
): Promise<string[]> {
  const written = await withinTransaction(connection, () => writeRows(connection.query, sql, open, read));
  open.carried = written.carried;
  open.counts = written.counts;
  open.position = read.end;
  return written.changed;
}

async function writeRows(query: Query, sql: Sql, open: OpenGeneration, read: StepRead) {
  const { generation } = open;
  const { session_id, agent } = generation;
  await lockSessionOfStep(query, session_id);
  const { agent_id } = open;
  const own = await writeSubagents(query, sql, session_id, agent_id === null ? [] : [agent_id]);
  const subagent_id = agent_id === null ? null : (own.get(agent_id) ?? null);
  const place: StepPlace = { ...generation, subagent_id };
  const scope = { session_id, subagent_id };
  const known = await findKnown(query, generation, idsOf(read, scope));
  const context = { place: generation, scope, repeated: open.repeated, unknown: open.counts.unknown };
  const plan = planStep(withPathFacts(open, read), context, known, open.carried);
  const { rows, carried } = plan;
  const counts = addLines(open.counts, { ...read.counts, ...plan.counts });
  await writeFacts(query, place, rows);
  await writeSubagents(query, sql, session_id, agentIdsOf(rows));
  await writeMessages(query, place, rows);
  await writeCalls(query, place, rows);
  await writeDocuments(query, rows);
  const changed = await writeResponses(query, place, agent, rows, isoOf(carried.first_ms));
  await noteDerivations(query, [session_id, ...changed]);
  const isOurs = await noteProgress(query, place, {
    from: open.position,
    parsed_bytes: read.end,
    is_open_ended: read.is_open_ended,
    parsed_lines: read.lines,
    parser_version: open.parser_version,
    parser_state: writeState({ carried, fork: open.fork, reader: read.state }),
    counts: JSON.stringify(counts),
  });
  if (!isOurs) throw new StepOvertakenError();
  return { carried, counts, changed };
}

/** What the path of a file says is a record before its first line. */
function withPathFacts({ position, path_facts }: OpenGeneration, read: StepRead): StepRead {
  if (position > 0 || path_facts.length === 0) return read;
  return { ...read, records: [{ line: 0, record: {}, facts: [...path_facts] }, ...read.records] };
}

async function findKnown(
  query: Query,
  generation: UnparsedGeneration,
  { messages, calls }: ReturnType<typeof idsOf>,
): Promise<KnownRows> {
  const shown = await findShown(query, messages);
  const hidden = await findHidden(query, messages, generation);
  return {
    shown: new Map(shown.map((row) => [row.id, row])),
    hidden: new Set(hidden),
    calls: await findCalls(query, generation.session_id, calls),
  };
}

function agentIdsOf({ facts }: StepRows): string[] {
  const ids = facts.flatMap(({ fact, data }) =>
    fact === "subagent" && isObject(data) ? (text(data, "agent_id") ?? []) : [],
  );
  return [...new Set(ids)].filter((id) => id.length <= AGENT_ID_CHARACTERS_MAX);
}

/** Writes what the step shows of responses, folds them over all files, and returns the sessions whose totals change. */
async function writeResponses(
  query: Query,
  place: StepPlace,
  agent: Agent,
  { sightings }: StepRows,
  first_at: string | null,
): Promise<string[]> {
  await lockFolding(query);
  const isEarlier = await noteFirstAt(query, place.file_id, first_at);
  await writeSightings(query, place, agent, sightings);
  const keys = isEarlier
    ? await keysOfFile(query, place.file_id)
    : sightings.map(({ response_key }) => ({ agent, response_key }));
  return await foldAndPrice(query, keys);
}
