import { pauseQueueSchema, queueSchema } from "@wharf/protocol";
import { type Operations, oneOf, pageOf } from "../operation.ts";

const tag = "Jobs";
const path = { name: "recurring" };

/** Queues of jobs. */
export const queueOperations: Operations = {
  "GET /api/queues": {
    tag,
    summary: "Every queue with its depths, its oldest ready job and whether it is paused",
    answers: { 200: pageOf("queues", queueSchema) },
    example: { status: 200 },
  },
  "POST /api/queues/:name/pause": {
    tag,
    summary: "Pause a queue: no process claims from it until it is resumed, and running jobs go on",
    body: { schema: pauseQueueSchema, optional: true },
    answers: { 200: oneOf("queue", queueSchema) },
    example: { status: 200, path, body: { reason: "the mail provider is down" } },
  },
  "POST /api/queues/:name/resume": {
    tag,
    summary: "Resume a queue",
    answers: { 200: oneOf("queue", queueSchema) },
    example: { status: 200, path },
  },
};
