import type { IngestResponse } from "@wharf/protocol";
import { parseReceivedJson, TooManyValuesError } from "../json/parse-json.ts";
import { type CheckContext, checkEvent, isRejection, rejectUnreadable } from "./check-event.ts";
import type { RedactChecked } from "./redact-checked.ts";
import type { Checked } from "./store-checked.ts";
import type { Outcome } from "./writer.ts";

/** One event of a body: its JSON value, its line, or the line that could not be read and why. */
export type ReceivedEvent = { value: unknown } | { line: string } | { unreadable: string; error: string };

export type IngestDependencies = CheckContext & {
  /** Answers, for one request, what replaces the secrets of its items. */
  openRedaction: () => Promise<RedactChecked>;
  /** Stores events and notes of rejections. */
  write: (items: readonly Checked[]) => Promise<Outcome[]>;
};

/** Of the bodies of a request's rejected events: a client that sends nothing else needs no more to be understood. */
export const KEPT_CHARACTERS_MAX = 1024 * 1024;
/** Checking a batch of 32 MB takes longer than other requests may wait: they have a turn after this time. */
const TURN_MS = 20;

/**
 * Takes in one batch and answers for each event by itself, after the commit. received = ingested + duplicates + rejected.
 * Throws OverloadError when the queue is full and StorageError when the database is unavailable; nothing is acknowledged then.
 */
export async function ingestEvents(
  received: readonly ReceivedEvent[],
  dependencies: IngestDependencies,
): Promise<IngestResponse> {
  const redact = await dependencies.openRedaction();
  const checked: Checked[] = [];
  let kept_left = KEPT_CHARACTERS_MAX;
  let turnEndsAt = performance.now() + TURN_MS;
  for (const item of received) {
    const redacted = redact(check(item, dependencies));
    const result = redacted instanceof Promise ? await redacted : redacted;
    if (isRejection(result)) kept_left -= result.body?.length ?? 0;
    checked.push(isRejection(result) && kept_left < 0 ? { ...result, body: null } : result);
    if (performance.now() < turnEndsAt) continue;
    await new Promise(setImmediate);
    turnEndsAt = performance.now() + TURN_MS;
  }
  const outcomes = await dependencies.write(checked);

  const answer: IngestResponse = { ingested: 0, duplicates: 0, rejected: 0, results: [] };
  for (const [index, item] of checked.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new Error("the writer answered with fewer outcomes than events");
    answer.results.push({ index, id: item.id, status: outcome.status });
    if (outcome.status === "rejected") addError(answer, index, outcome.error, item);
  }
  count(answer);
  return answer;
}

function check(item: ReceivedEvent, context: CheckContext): Checked {
  if ("value" in item) return checkEvent(item.value, context);
  if ("line" in item) return check(parseLine(item.line, context), context);
  return { ...rejectUnreadable(item.unreadable, item.error), device_id: context.boundDeviceId ?? null };
}

function parseLine(line: string, { limits }: CheckContext): ReceivedEvent {
  try {
    return { value: parseReceivedJson(line, limits.json_values) };
  } catch (error) {
    return unreadableLine(line, error);
  }
}

/** A line whose parsing threw this error. */
export function unreadableLine(line: string, error: unknown): ReceivedEvent {
  const isCostly = error instanceof TooManyValuesError;
  const reason = isCostly ? `holds more than ${error.values_max} JSON values` : "the line is not JSON";
  return { unreadable: line, error: reason };
}

function addError(answer: IngestResponse, index: number, error: string, item: Checked): void {
  answer.errors ??= [];
  const pointer = isRejection(item) ? item.pointer : undefined;
  answer.errors.push({ index, error, ...(pointer === undefined ? {} : { pointer }) });
}

function count(answer: IngestResponse): void {
  for (const { status } of answer.results) {
    if (status === "accepted") answer.ingested += 1;
    else if (status === "duplicate") answer.duplicates += 1;
    else answer.rejected += 1;
  }
}
