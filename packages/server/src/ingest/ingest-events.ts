import type { EventResult, IngestResponse } from "@wharf/protocol";
import type { IngestNote } from "../db/ingest-notes.ts";
import {
  type CheckContext,
  type CheckedEvent,
  checkEvent,
  isRejection,
  type Rejection,
  rejectUnreadable,
} from "./check-event.ts";
import { storableText } from "./clean-value.ts";
import { parseReceivedJson, TooManyValuesError } from "./parse-json.ts";
import type { Outcome } from "./writer.ts";

/** One event of a body: its JSON value, its line, or the line that could not be read and why. */
export type ReceivedEvent = { value: unknown } | { line: string } | { unreadable: string; error: string };

export type IngestDependencies = CheckContext & {
  write: (events: readonly CheckedEvent[]) => Promise<Outcome[]>;
  saveNotes: (notes: readonly IngestNote[]) => Promise<void>;
};

/** Checking a batch of 32 MB takes longer than other requests may wait: they have a turn after this time. */
const TURN_MS = 20;

/**
 * Takes in one batch and answers for each event by itself, after the commit. received = ingested + duplicates + rejected.
 * Throws OverloadError when the queue is full and StorageError when the database is away; nothing is acknowledged then.
 */
export async function ingestEvents(
  received: readonly ReceivedEvent[],
  dependencies: IngestDependencies,
): Promise<IngestResponse> {
  const checked: (CheckedEvent | Rejection)[] = [];
  let turnEndsAt = performance.now() + TURN_MS;
  for (const item of received) {
    checked.push(check(item, dependencies));
    if (performance.now() < turnEndsAt) continue;
    await new Promise(setImmediate);
    turnEndsAt = performance.now() + TURN_MS;
  }
  const writable = checked.filter((item): item is CheckedEvent => !isRejection(item));
  const outcomes = writable.length > 0 ? await dependencies.write(writable) : [];

  const answer: IngestResponse = { ingested: 0, duplicates: 0, rejected: 0, results: [] };
  const notes: IngestNote[] = [];
  let position = 0;
  for (const [index, item] of checked.entries()) {
    const outcome = isRejection(item) ? undefined : outcomes[position++];
    const rejection = isRejection(item) ? item : rejectionOf(item, outcome);
    answer.results.push({ index, id: item.id, status: rejection === null ? statusOf(outcome) : "rejected" });
    if (rejection !== null) addRejection(answer, notes, index, rejection);
  }
  count(answer);
  if (notes.length > 0) await dependencies.saveNotes(notes);
  return answer;
}

function check(item: ReceivedEvent, context: CheckContext): CheckedEvent | Rejection {
  if ("value" in item) return checkEvent(item.value, context);
  if ("line" in item) return check(parseLine(item.line, context), context);
  return { ...rejectUnreadable(item.unreadable, item.error), device_id: context.boundDeviceId ?? null };
}

function parseLine(line: string, { limits }: CheckContext): ReceivedEvent {
  try {
    return { value: parseReceivedJson(line, limits.json_values) };
  } catch (error) {
    const isCostly = error instanceof TooManyValuesError;
    const reason = isCostly ? `holds more than ${error.values_max} JSON values` : "the line is not JSON";
    return { unreadable: line, error: reason };
  }
}

function statusOf(outcome: Outcome | undefined): EventResult["status"] {
  return outcome?.status ?? "rejected";
}

function rejectionOf(event: CheckedEvent, outcome: Outcome | undefined): Rejection | null {
  if (outcome?.status !== "rejected") return null;
  const { id, device_id, session_id, data } = event;
  return { id, device_id, session_id, error: outcome.error, body: data };
}

function addRejection(
  answer: IngestResponse,
  notes: IngestNote[],
  index: number,
  rejection: Rejection,
): void {
  const { id, device_id, session_id, error, pointer, body } = rejection;
  answer.errors ??= [];
  answer.errors.push({ index, error, ...(pointer === undefined ? {} : { pointer }) });
  const detail = pointer === undefined ? error : `${pointer}: ${error}`;
  notes.push({
    event_id: id,
    device_id,
    session_id,
    kind: "rejected",
    detail: storableText(detail),
    body: body === null ? null : storableText(body),
  });
}

function count(answer: IngestResponse): void {
  for (const { status } of answer.results) {
    if (status === "accepted") answer.ingested += 1;
    else if (status === "duplicate") answer.duplicates += 1;
    else answer.rejected += 1;
  }
}
