import {
  type Block,
  describeCall,
  exitCodeOf,
  type JsonValue,
  type Message,
  printedCommits,
  readTestRun,
} from "@wharf/transcripts";
import type { FileDevice, KnownCall } from "../../db/transcripts/known-rows.ts";
import type { CallRow, TouchRow } from "../../db/transcripts/parsed-rows.ts";
import { compareDevices } from "./message-rank.ts";
import { callIdOf } from "./message-rows.ts";
import { integerOf, isoOf, keyOf, nullableKeyOf, timeOf } from "./values.ts";

/** An entry of an index holds 2,700 bytes. */
const PATH_BYTES_MAX = 1_000;
/** Of a longer output, the beginning and the end are looked at: exit codes stand at the beginning, sums of tests at the end. */
const OUTPUT_HEAD_CHARACTERS = 64_000;
const OUTPUT_TAIL_CHARACTERS = 1_000_000;

/** Calls and results of a step, by the id of the call: each is as the first device states it, without what others state of it. */
export class CallRows {
  readonly #known: ReadonlyMap<string, KnownCall>;
  /** Those of a device before this one: they stay. */
  readonly #kept: ReadonlySet<string>;
  /** Those of a device behind this one. */
  readonly #outranked: readonly string[];
  readonly #calls = new Map<string, CallRow>();
  readonly #touches = new Map<string, TouchRow[]>();
  readonly #outputs = new Map<string, Output>();

  constructor(known: readonly KnownCall[], device: FileDevice) {
    const those = (isAmong: (order: number) => boolean) =>
      known.filter((call) => isAmong(compareDevices(call, device)));
    this.#known = new Map(those((order) => order === 0).map((call) => [call.call_id, call]));
    this.#kept = new Set(those((order) => order < 0).map(({ call_id }) => call_id));
    this.#outranked = those((order) => order > 0).map(({ call_id }) => call_id);
  }

  /** A later message with the same call replaces what an earlier one stated of it. */
  add(message_id: string, message: Message): void {
    message.blocks.forEach((block, index) => {
      if (block.type === "tool_use") this.#addCall(message_id, message, block, index);
      else if (block.type === "tool_result" && block.call_id !== null) this.#addResult(message, block);
    });
  }

  #addCall(message_id: string, message: Message, block: Block, index: number): void {
    const call_id = callIdOf(message_id, block, index);
    if (this.#kept.has(call_id)) return;
    const { command, reads, writes } = describeCall(block.tool, block.input);
    const row: CallRow = {
      ...(this.#calls.get(call_id) ?? emptyCall(call_id)),
      has_call: true,
      message_id,
      tool: nullableKeyOf(block.tool),
      command,
      called_at: isoOf(timeOf(message.at)),
      is_copy: message.is_copy,
    };
    this.#calls.set(call_id, row);
    this.#touches.set(call_id, touchesOf(call_id, row.called_at, reads, writes));
    const known = this.#known.get(call_id);
    const output = this.#outputs.get(call_id) ?? (known?.tool === null ? outputOf(known) : null);
    if (output !== null) Object.assign(row, outcomeOf(command, output));
  }

  #addResult(message: Message, block: Block): void {
    const call_id = keyOf(block.call_id ?? "");
    if (this.#kept.has(call_id)) return;
    const row = this.#calls.get(call_id) ?? { ...emptyCall(call_id), is_copy: message.is_copy };
    const command = row.has_call ? row.command : (this.#known.get(call_id)?.command ?? null);
    const output = { text: block.text ?? "", exit_code: block.exit_code };
    this.#outputs.set(call_id, output);
    this.#calls.set(call_id, {
      ...row,
      is_returned: true,
      returned_at: isoOf(timeOf(message.at)),
      is_error: block.is_error,
      ...outcomeOf(command, output),
    });
  }

  rows(): { calls: CallRow[]; touches: TouchRow[]; replaced_calls: string[] } {
    return {
      calls: [...this.#calls.values()],
      touches: [...this.#touches.values()].flat(),
      replaced_calls: this.#outranked.filter((call_id) => this.#calls.has(call_id)),
    };
  }
}

function emptyCall(call_id: string): CallRow {
  return {
    call_id,
    has_call: false,
    message_id: null,
    tool: null,
    command: null,
    called_at: null,
    is_copy: false,
    is_returned: false,
    returned_at: null,
    exit_code: null,
    is_error: null,
    tests: null,
    commits: [],
  };
}

/** Of a result, with its exit code where the agent states it apart. */
type Output = { text: string; exit_code: number | null };

function outputOf({ result_text, exit_code }: KnownCall): Output | null {
  return result_text === null ? null : { text: result_text, exit_code };
}

export type Outcome = Pick<CallRow, "exit_code" | "tests" | "commits">;

/** What the output of a call shows of it; tests and commits only where its command is known. */
export function outcomeOf(command: string | null, { text, exit_code: stated }: Output): Outcome {
  const looked =
    text.length <= OUTPUT_HEAD_CHARACTERS + OUTPUT_TAIL_CHARACTERS
      ? text
      : `${text.slice(0, OUTPUT_HEAD_CHARACTERS)}\n${text.slice(-OUTPUT_TAIL_CHARACTERS)}`;
  const exit_code = integerOf(stated ?? exitCodeOf(looked));
  if (command === null) return { exit_code, tests: null, commits: [] };
  const run = readTestRun(command, looked, exit_code);
  const commits = printedCommits(command, looked).map(({ sha }) => sha);
  return { exit_code, tests: testsOf(run), commits: [...new Set(commits)] };
}

function testsOf(run: ReturnType<typeof readTestRun>): JsonValue {
  return run === null ? null : { passed: run.passed, failed: run.failed, is_success: run.is_success };
}

type Description = ReturnType<typeof describeCall>;

function touchesOf(
  call_id: string,
  touched_at: string | null,
  reads: Description["reads"],
  writes: Description["writes"],
): TouchRow[] {
  const touches = new Map<string, TouchRow>();
  const touch = (path: string): TouchRow => {
    const row = touches.get(path) ?? { ...NO_TOUCH, call_id, path, touched_at };
    touches.set(path, row);
    return row;
  };
  for (const path of reads.filter(isStorablePath)) touch(path).reads += 1;
  for (const { path, added, removed } of writes.filter((write) => isStorablePath(write.path))) {
    const row = touch(path);
    row.writes += 1;
    row.added = sumOfKnown(row.added, integerOf(added));
    row.removed = sumOfKnown(row.removed, integerOf(removed));
  }
  return [...touches.values()];
}

const NO_TOUCH = { reads: 0, writes: 0, added: null, removed: null };

function isStorablePath(path: string): boolean {
  return path !== "" && Buffer.byteLength(path) <= PATH_BYTES_MAX;
}

function sumOfKnown(a: number | null, b: number | null): number | null {
  return b === null ? a : (a ?? 0) + b;
}
