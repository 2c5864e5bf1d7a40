import {
  BATCH_EVENTS_MAX,
  backfillSessionSchema,
  eventBatchSchema,
  eventSchema,
  gitHooksPromptSchema,
  ingestHealthSchema,
  ingestNoteSchema,
  ingestNotesQuerySchema,
  ingestResponseSchema,
  pendingPromptsQuerySchema,
  promptAnswerSchema,
  sessionReportSchema,
  sessionSchema,
} from "@wharf/protocol";
import { z } from "zod";
import { type Operation, type Operations, oneOf, pageOf } from "../operation.ts";

const WORKSPACE = "github.com/acme/site";
const GONE = { 410: "The session was deleted and stays deleted." };

/** The envelope takes anything, so that each event is checked by itself; the document says what an event is. */
const batchSchema = eventBatchSchema.extend({ events: z.array(eventSchema).min(1).max(BATCH_EVENTS_MAX) });
const backfilledSchema = z.object({ status: z.enum(["created", "exists"]), session_id: z.string() });

const takeEvents: Operation = {
  tag: "Ingest",
  summary: "Send a batch of events",
  description:
    "Answered after the commit, with a result for each event in its order. A bad event is rejected alone. Sending again is safe: an event's id is its identity. Bodies may be compressed (Content-Encoding: gzip or zstd) or hold one event a line (application/x-ndjson).",
  body: { schema: batchSchema, contentTypes: ["application/json", "application/x-ndjson"] },
  answers: { 202: ingestResponseSchema },
  example: {
    status: 202,
    body: {
      events: [
        {
          id: "01JP9Z8Q6V8T3M2K1H0GFEDCBA",
          type: "git.commit",
          timestamp: "2025-03-14T10:05:00.000000Z",
          device_id: "laptop",
          workspace_id: WORKSPACE,
          data: {
            hash: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
            message: "Greet the visitor",
            author_name: "Ada",
            branch: "main",
            files_changed: 1,
            insertions: 12,
            deletions: 3,
          },
        },
      ],
    },
  },
};

/** What devices send, and how it goes. */
export const ingestOperations: Operations = {
  "POST /api/events": takeEvents,
  "POST /api/events/ingest": {
    ...takeEvents,
    summary: "Send a batch of events (the same as POST /api/events)",
  },
  "POST /api/sessions": {
    tag: "Ingest",
    summary: "Report a session",
    description:
      "Idempotent by id: later reports fill missing fields. 201 for a new session, 200 for a known one. The limits of tags and metadata apply to the session: a report that exceeds them is rejected with 400 and stores nothing.",
    body: { schema: sessionReportSchema },
    answers: { 200: oneOf("session", sessionSchema), 201: oneOf("session", sessionSchema) },
    refusals: GONE,
    example: {
      status: 201,
      body: {
        id: "8c1d7a52-4f7b-4d0e-9a57-2f3c9d1b6e10",
        workspace_canonical_id: WORKSPACE,
        device_id: "laptop",
        started_at: "2025-03-14T09:00:00Z",
        git_branch: "main",
        model: "example-model",
        tags: ["docs"],
      },
    },
  },
  "POST /api/backfill/sessions": {
    tag: "Ingest",
    summary: "Report a session found in a device's transcripts",
    body: { schema: backfillSessionSchema },
    answers: { 200: backfilledSchema, 201: backfilledSchema },
    refusals: GONE,
    example: {
      status: 201,
      body: {
        session_id: "f2a4c6e8-1357-4bdf-8024-68ace0f13579",
        workspace_canonical_id: WORKSPACE,
        device_id: "laptop",
        started_at: "2025-03-13T16:00:00Z",
        ended_at: "2025-03-13T16:45:00Z",
      },
    },
  },
  "GET /api/ingest/health": {
    tag: "Ingest",
    summary: "How much came in during the last hour, how late, and what was refused",
    answers: { 200: ingestHealthSchema },
    example: { status: 200 },
  },
  "GET /api/ingest/notes": {
    tag: "Ingest",
    summary: "What was rejected or odd, newest first",
    description: "`body`, what was sent, is there for an admin key only.",
    query: ingestNotesQuerySchema,
    answers: { 200: pageOf("notes", ingestNoteSchema) },
    example: { status: 200, query: { device_id: "laptop", limit: "10" } },
  },
  "GET /api/prompts/pending": {
    tag: "Git hooks",
    summary: "Offers to install the git hooks on a device",
    query: pendingPromptsQuerySchema,
    answers: { 200: pageOf("prompts", gitHooksPromptSchema) },
    example: { status: 200, query: { device_id: "laptop" } },
  },
  "POST /api/prompts/dismiss": {
    tag: "Git hooks",
    summary: "Answer an offer, so that it is not made again",
    body: { schema: promptAnswerSchema },
    answers: { 200: promptAnswerSchema },
    refusals: { 404: "The device does not work on this workspace." },
    example: {
      status: 200,
      body: { workspace_id: "01JP9Z000000000000000000W1", device_id: "laptop", action: "declined" },
    },
  },
};
