import { eventBatchSchema } from "@wharf/protocol";
import { type BodyBytes, decodeBody, decodeUtf8 } from "../http/body.ts";
import { countJsonBody, parseWith, planJsonBody, tooManyValues } from "../http/json.ts";
import { ProblemError } from "../http/problem.ts";
import { type ReceivedEvent, unreadableLine } from "../ingest/ingest-events.ts";
import { SEARCHED_CHARACTERS_MAX } from "../ingest/kept-body.ts";
import { isRecord } from "../json/clean-value.ts";
import { countValues } from "../json/json-text.ts";
import {
  countReceivedJson,
  mayBeCostly,
  planReceivedJson,
  UNCOUNTED_CHARACTERS_MAX,
} from "../json/parse-json.ts";
import type { Limits } from "../limits.ts";

/** From its first character that is not white space. Found one by one: a body may be millions of lines. */
const NON_BLANK_LINE = /\S[^\n]*/g;
const LINE_FEED = 0x0a;
const SPACE = 0x20;
const lossyDecoder = new TextDecoder();

/** Other requests run between two steps of a large body, each of which blocks the event loop. */
const letOthersRun = () => new Promise((resolve) => setImmediate(resolve));

/** The events of `{ "events": […] }`. Throws ProblemError 400, or 413 for too many values. */
export async function readBatch(bytes: BodyBytes, limits: Limits): Promise<ReceivedEvent[]> {
  const text = decodeBody(bytes);
  countJsonBody(text, limits.batch_values);
  if (bytes.byteLength <= UNCOUNTED_CHARACTERS_MAX) return toReceived(planJsonBody(text)(), limits);
  await letOthersRun();
  const parse = planJsonBody(text);
  await letOthersRun();
  const received = toReceived(parse(), limits);
  await letOthersRun();
  return received;
}

function toReceived(body: unknown, limits: Limits): ReceivedEvent[] {
  const events = eventsOf(body);
  refuseTooMany(events.length, limits);
  // zod would copy the list: it only describes the errors of a body without events.
  if (events.length === 0) parseWith(eventBatchSchema, body);
  return events.map((value) => ({ value }));
}

/** The events of a body with one event a line. A line that cannot be read is one rejected event. Throws ProblemError 400. */
export async function readLines(bytes: BodyBytes, limits: Limits): Promise<ReceivedEvent[]> {
  const text = decodeUtf8(bytes);
  if (bytes.byteLength > UNCOUNTED_CHARACTERS_MAX) await letOthersRun();
  const lines = text === null ? splitBytes(bytes) : splitText(text);
  const areCounted = text === null || mayBeCostly(text);
  const received: ReceivedEvent[] = [];
  let values_left = limits.batch_values;
  for (const line of lines) {
    refuseTooMany(received.length + 1, limits);
    // A quote that is missing in one line must not hide the values of the next.
    if (areCounted && typeof line === "string") values_left -= countValues(line, values_left);
    if (values_left < 0) throw tooManyValues(limits.batch_values);
    if (typeof line !== "string") received.push(readDamagedLine(line));
    else received.push(line.length > UNCOUNTED_CHARACTERS_MAX ? await readLongLine(line, limits) : { line });
  }
  if (received.length === 0) {
    throw new ProblemError({ status: 400, code: "BATCH_EMPTY", detail: "The body contains no events." });
  }
  return received;
}

async function readLongLine(line: string, limits: Limits): Promise<ReceivedEvent> {
  await letOthersRun();
  try {
    countReceivedJson(line, limits.json_values);
    await letOthersRun();
    const parse = planReceivedJson(line);
    await letOthersRun();
    return { value: parse() };
  } catch (error) {
    return unreadableLine(line, error);
  }
}

function* splitText(text: string): Generator<string> {
  for (const [line] of text.matchAll(NON_BLANK_LINE)) yield line;
}

/**
 * For a body of which some line is not UTF-8: each line is decoded by itself. White space between lines is skipped byte by byte:
 * to decode each of millions of empty lines would take seconds.
 */
function* splitBytes(bytes: BodyBytes): Generator<string | BodyBytes> {
  for (let start = skipWhiteSpace(bytes, 0); start < bytes.byteLength; ) {
    const lineFeed = bytes.indexOf(LINE_FEED, start);
    const end = lineFeed === -1 ? bytes.byteLength : lineFeed;
    const line = bytes.subarray(start, end);
    yield decodeUtf8(line) ?? line;
    start = skipWhiteSpace(bytes, end);
  }
}

function skipWhiteSpace(bytes: BodyBytes, from: number): number {
  let at = from;
  while (at < bytes.byteLength && isWhiteSpace(bytes[at] ?? 0)) at += 1;
  return at;
}

/** Of the control characters all count: none can begin an event. */
const isWhiteSpace = (byte: number) => byte <= SPACE;

function readDamagedLine(line: BodyBytes): ReceivedEvent {
  const isSearched = line.byteLength <= SEARCHED_CHARACTERS_MAX;
  return { unreadable: isSearched ? lossyDecoder.decode(line) : "", error: "the line is not UTF-8" };
}

function eventsOf(body: unknown): readonly unknown[] {
  const events = isRecord(body) ? body["events"] : undefined;
  return Array.isArray(events) ? events : [];
}

function refuseTooMany(count: number, limits: Limits): void {
  if (count <= limits.batch_events) return;
  throw new ProblemError({
    status: 400,
    code: "BATCH_TOO_LARGE",
    detail: `The batch has more than ${limits.batch_events} events. Split it.`,
  });
}
