import type { Fact, JsonValue, Message } from "@wharf/transcripts";
import type { KnownCall, RecordPlace, ShownMessage } from "../../db/transcripts/known-rows.ts";
import type { HiddenRow, MessageRow, StepRows } from "../../db/transcripts/parsed-rows.ts";
import { CallRows } from "./call-rows.ts";
import { stands } from "./message-rank.ts";
import {
  blockRows,
  callIdOf,
  type MessagePlaceInFile,
  type MessageScope,
  messageId,
  messageKey,
  messageRow,
  placeColumns,
  UNKNOWN_KIND,
} from "./message-rows.ts";
import type { LineCounts, RecordFacts, StepRead } from "./read-steps.ts";
import { earliest, ResponseRows } from "./response-rows.ts";
import type { Carried } from "./stored-state.ts";
import { keyOf, md5, storableDepth, timeOf } from "./values.ts";

/** What the database holds of the messages and calls of a step. */
export type KnownRows = {
  shown: ReadonlyMap<string, ShownMessage>;
  /** Messages that this reading of the generation has hidden: another file shows them. */
  hidden: ReadonlySet<string>;
  calls: readonly KnownCall[];
};

export type StepContext = {
  place: RecordPlace;
  scope: MessageScope;
  repeated: "dropped" | "replaces";
  /** Records of an unknown type before the step, in its generation. */
  unknown: number;
};

export type PlannedStep = {
  rows: StepRows;
  carried: Carried;
  counts: Pick<LineCounts, "duplicate" | "unknown" | "unknown_left_out">;
};

/** Of a generation; the others are counted only. A line of 3 bytes would become two rows. */
export const UNKNOWN_RECORDS_MAX = 1_000;

/** The ids of messages and calls that a step may write: what has to be known of them before it is planned. */
export function idsOf(read: StepRead, scope: MessageScope): { messages: string[]; calls: string[] } {
  const messages = new Set<string>();
  const calls = new Set<string>();
  for (const { facts } of read.records)
    for (const fact of facts) {
      if (fact.fact === "rewind" && fact.from_key !== null)
        messages.add(messageId(scope, keyOf(fact.from_key)));
      if (fact.fact !== "message") continue;
      const id = messageId(scope, messageKey(fact.message));
      messages.add(id);
      fact.message.blocks.forEach((block, index) => {
        if (block.type === "tool_use") calls.add(callIdOf(id, block, index));
        else if (block.type === "tool_result" && block.call_id !== null) calls.add(keyOf(block.call_id));
      });
    }
  return { messages: [...messages], calls: [...calls] };
}

/** The rows of a step, without those of records that repeat one of the file or are hidden by another file. */
export function planStep(
  read: StepRead,
  context: StepContext,
  known: KnownRows,
  carried: Carried,
): PlannedStep {
  const plan = new StepPlan(context, known, carried);
  for (const record of read.records) plan.addRecord(record);
  return plan.finish();
}

/** A turn begins with one of these. */
const TURN_KINDS: ReadonlySet<string> = new Set(["prompt", "task"]);

/** A response has a few messages, mostly calls that run at the same time. */
const UNANSWERED_MAX = 100;

type PlannedMessage = {
  message: Message;
  key: string;
  place: MessagePlaceInFile;
  raw: JsonValue;
  is_rewound: boolean;
};

class StepPlan {
  readonly #context: StepContext;
  readonly #known: KnownRows;
  readonly #carried: Carried;
  /** Of all messages, also of those that are hidden. */
  readonly #messages = new Map<string, PlannedMessage>();
  readonly #responses = new ResponseRows();
  /** Responses that were read behind the messages that are part of them. */
  readonly #answered = new Map<string, string>();
  readonly #facts: StepRows["facts"] = [];
  readonly #turns = new Set<string>();
  readonly #rewinds: StepRows["rewinds"] = [];
  readonly #counts = { duplicate: 0, unknown: 0, unknown_left_out: 0 };

  constructor(context: StepContext, known: KnownRows, carried: Carried) {
    this.#context = context;
    this.#known = known;
    this.#carried = { ...carried };
  }

  addRecord(record: RecordFacts): void {
    const ids = record.facts.flatMap((fact) => (fact.fact === "message" ? [this.#idOf(fact.message)] : []));
    if (this.#context.repeated === "dropped" && ids.some((id) => this.#isOfFile(id))) {
      this.#counts.duplicate += 1;
      return;
    }
    record.facts.forEach((fact, position) => {
      switch (fact.fact) {
        case "message":
          this.#addMessage(fact.message, record.line, null);
          break;
        case "response":
          this.#addTime(fact.response.at);
          this.#responses.add(fact.response);
          break;
        case "answered":
          this.#answer(fact.response_key);
          break;
        case "turn":
          this.#turns.add(keyOf(fact.id));
          break;
        default:
          this.#addFact(fact, record, position, ids[0] ?? null);
      }
    });
  }

  #addFact(fact: Fact, { line, record }: RecordFacts, position: number, message_id: string | null): void {
    const { fact: name, ...data } = fact;
    if (fact.fact === "rewind") this.#addRewind(fact.from_key, fact.turns);
    if (fact.fact === "unknown") {
      this.#counts.unknown += 1;
      if (this.#context.unknown + this.#counts.unknown > UNKNOWN_RECORDS_MAX) {
        this.#counts.unknown_left_out += 1;
        this.#addTime(timestampOf(record));
        return;
      }
      this.#addMessage(unknownMessage(record, line), line, storableDepth(record));
    }
    this.#facts.push({ line, position, fact: name, data: storableDepth(toJson(data)), message_id });
  }

  #idOf(message: Message): string {
    return messageId(this.#context.scope, messageKey(message));
  }

  /** Whether this generation has a message of this id already. */
  #isOfFile(id: string): boolean {
    if (this.#messages.has(id) || this.#known.hidden.has(id)) return true;
    return this.#shownOfFile(id) !== null;
  }

  #shownOfFile(id: string): ShownMessage | null {
    const shown = this.#known.shown.get(id);
    return shown !== undefined && isSameGeneration(shown, this.#context.place) ? shown : null;
  }

  #addMessage(message: Message, line: number, raw: JsonValue): void {
    this.#addTime(message.at);
    const id = this.#idOf(message);
    const isNew = !this.#isOfFile(id);
    if (isNew) this.#carried.ordinal += 1;
    if (isNew && message.kind === "compaction") this.#carried.compact_sequence += 1;
    const { ordinal, sorted_ms, compact_sequence } = this.#carried;
    const first = this.#messages.get(id)?.place ?? { ordinal, sorted_ms, compact_sequence };
    const place = { ...first, ordinal: this.#shownOfFile(id)?.ordinal ?? first.ordinal };
    const key = messageKey(message);
    this.#messages.set(id, { message, key, place: { ...place, line }, raw, is_rewound: false });
    if (message.kind !== "assistant" || message.response_key !== null) return;
    this.#carried.unanswered = [...this.#carried.unanswered.slice(1 - UNANSWERED_MAX), id];
  }

  #answer(response_key: string | null): void {
    if (response_key !== null)
      for (const id of this.#carried.unanswered) this.#answered.set(id, keyOf(response_key));
    this.#carried.unanswered = [];
  }

  #addTime(at: string | null): void {
    const ms = timeOf(at);
    if (ms === null) return;
    this.#carried.first_ms = earliest(this.#carried.first_ms, ms);
    this.#carried.sorted_ms = Math.max(this.#carried.sorted_ms ?? ms, ms);
  }

  #addRewind(from_key: string | null, turns: number | null): void {
    if (turns !== null) {
      this.#rewinds.push({ from_ordinal: null, turns: this.#rewindTurns(turns) });
      return;
    }
    const from_ordinal = from_key === null ? 0 : this.#ordinalOf(from_key);
    if (from_ordinal === null) return;
    for (const planned of this.#messages.values())
      if (planned.place.ordinal >= from_ordinal) planned.is_rewound = true;
    this.#rewinds.push({ from_ordinal, turns: null });
  }

  #ordinalOf(from_key: string): number | null {
    const id = messageId(this.#context.scope, keyOf(from_key));
    return this.#messages.get(id)?.place.ordinal ?? this.#shownOfFile(id)?.ordinal ?? null;
  }

  /** Takes the last turns out of view, and returns how many of them began before this step. */
  #rewindTurns(turns: number): number {
    let left = turns;
    for (const planned of [...this.#messages.values()].reverse()) {
      if (left <= 0) return 0;
      if (!planned.is_rewound && TURN_KINDS.has(planned.message.kind)) left -= 1;
      planned.is_rewound = true;
    }
    return Math.max(0, left);
  }

  finish(): PlannedStep {
    const { place, scope } = this.#context;
    const calls = new CallRows(this.#known.calls, place);
    const messages: MessageRow[] = [];
    const blocks: StepRows["blocks"] = [];
    const hidden: HiddenRow[] = [];
    const rewritten: string[] = [];
    for (const [id, planned] of this.#messages) {
      const shown = this.#known.shown.get(id);
      if (shown !== undefined && !stands(place, shown)) {
        hidden.push(hiddenRow(id, place));
        continue;
      }
      if (shown !== undefined) rewritten.push(id);
      // What a former reading wrote is deleted at the end of this one.
      if (shown !== undefined && !isSameGeneration(shown, place) && !isFormerReading(shown, place))
        hidden.push(hiddenRow(id, shown));
      messages.push(this.#rowOf(id, planned));
      blocks.push(...blockRows(id, scope.session_id, planned.message.blocks));
      calls.add(id, planned.message);
    }
    const rows: StepRows = {
      messages,
      blocks,
      hidden,
      rewritten,
      facts: this.#facts,
      turns: [...this.#turns],
      rewinds: this.#rewinds,
      answered: [...this.#answered].map(([message_id, response_key]) => ({ message_id, response_key })),
      sightings: this.#responses.rows(),
      ...calls.rows(),
    };
    return { rows, carried: this.#carried, counts: this.#counts };
  }

  #rowOf(id: string, { message, key, place, raw, is_rewound }: PlannedMessage): MessageRow {
    const response_key = message.response_key ?? this.#answered.get(id) ?? null;
    const row = messageRow(id, key, { ...message, response_key }, place);
    const stored = { ...row, ...placeColumns(place), is_rewound };
    return raw === null ? stored : { ...stored, kind: UNKNOWN_KIND, raw_message: raw };
  }
}

function hiddenRow(message_id: string, { file_id, generation, reading }: RecordPlace): HiddenRow {
  return { message_id, file_id, generation, reading };
}

function isSameGeneration(a: RecordPlace, b: RecordPlace): boolean {
  return a.file_id === b.file_id && a.generation === b.generation && a.reading === b.reading;
}

function isFormerReading(a: RecordPlace, of: RecordPlace): boolean {
  return a.file_id === of.file_id && a.reading < of.reading;
}

function unknownMessage(record: RecordFacts["record"], line: number): Message {
  return {
    key: `unknown-${line}-${md5(JSON.stringify(record))}`,
    parent_key: null,
    kind: "system",
    at: timestampOf(record),
    model: null,
    response_key: null,
    blocks: [],
    is_copy: false,
    is_sidechain: false,
  };
}

function timestampOf({ timestamp }: RecordFacts["record"]): string | null {
  return typeof timestamp === "string" ? timestamp : null;
}

function toJson(value: object): JsonValue {
  return JSON.parse(JSON.stringify(value));
}
