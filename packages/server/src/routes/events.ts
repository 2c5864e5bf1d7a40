import { eventBatchSchema } from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { readBody } from "../http/body.ts";
import { type AppEnv, callerOf } from "../http/context.ts";
import { parseJsonBody, parseWith, requireContentType } from "../http/json.ts";
import { ProblemError } from "../http/problem.ts";
import { jsonResponse } from "../http/response-headers.ts";
import { answerScope } from "../http/scopes.ts";
import { isRecord } from "../ingest/clean-value.ts";
import { type IngestDependencies, ingestEvents, type ReceivedEvent } from "../ingest/ingest-events.ts";
import { parseJson } from "../ingest/parse-json.ts";
import type { Limits } from "../limits.ts";
import { countIngest, type ServerMetrics } from "../metrics/server-metrics.ts";

/** From its first character that is not white space. Found one by one: a body may be millions of lines. */
const NON_BLANK_LINE = /\S[^\n]*/g;
const NDJSON = "application/x-ndjson";

/** POST /api/events and /api/events/ingest: a batch as JSON, or one event a line. Answers 202 after the commit. */
export function eventRoutes(ingest: IngestDependencies, metrics: ServerMetrics) {
  const routes = new Hono<AppEnv>();
  async function postEvents(c: Context<AppEnv>) {
    const contentType = requireContentType(c, ["application/json", NDJSON]);
    const text = await readBody(c, ingest.limits);
    const received = contentType === NDJSON ? readLines(text, ingest.limits) : readBatch(text, ingest.limits);
    c.env.access.takeEvents(c, received.length);
    const answer = await ingestEvents(received, { ...ingest, boundDeviceId: callerOf(c).deviceId });
    countIngest(metrics, answer);
    return jsonResponse(answer, 202);
  }

  const guardedPost = answerScope("ingest", postEvents);
  routes.post("/", guardedPost);
  routes.post("/ingest", guardedPost);
  return routes;
}

function readBatch(text: string, limits: Limits): ReceivedEvent[] {
  const body = parseJsonBody(text);
  const events = eventsOf(body);
  refuseTooMany(events.length, limits);
  // zod copies the list, 2 µs of an event that comes alone: it is asked only to say what is wrong.
  if (events.length === 0) parseWith(eventBatchSchema, body);
  return events.map((value) => ({ value }));
}

function readLines(text: string, limits: Limits): ReceivedEvent[] {
  const received: ReceivedEvent[] = [];
  for (const [line] of text.matchAll(NON_BLANK_LINE)) {
    refuseTooMany(received.length + 1, limits);
    received.push(readLine(line));
  }
  if (received.length === 0) {
    throw new ProblemError({ status: 400, code: "BATCH_EMPTY", detail: "The body holds no event." });
  }
  return received;
}

function readLine(line: string): ReceivedEvent {
  try {
    return { value: parseJson(line) };
  } catch {
    return { unreadable: line };
  }
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
    detail: `The batch holds more than ${limits.batch_events} events: split it.`,
  });
}
