import {
  cancelJobSchema,
  cancelJobsSchema,
  enqueueJobSchema,
  jobChangeSchema,
  jobDetailSchema,
  jobListQuerySchema,
  jobLogLineSchema,
  jobLogQuerySchema,
  jobSchema,
  retryJobSchema,
  retryJobsSchema,
  runningJobSchema,
  runningJobsQuerySchema,
  sendJobEventSchema,
  workerSchema,
} from "@wharf/protocol";
import { z } from "zod";
import { type Operations, oneOf, pageOf } from "../operation.ts";

const tag = "Jobs";
const dead = { id: "7000000001" };
const scheduled = { id: "7000000002" };
const running = { id: "7000000003" };
const enqueuedSchema = z.object({ job: jobSchema, existed: z.boolean() });

/** Jobs of every process: seen, enqueued, retried, cancelled, moved. */
export const jobOperations: Operations = {
  "GET /api/jobs": {
    tag,
    summary: "List jobs, newest first, completed ones included",
    description:
      "`status` takes states, and `queued` (ready, scheduled, waiting), `failed` (dead, cancelled) and `dlq` (dead). Payloads are not listed.",
    query: jobListQuerySchema,
    answers: { 200: pageOf("jobs", jobSchema) },
    example: { status: 200, query: { status: "dead,scheduled", queue: "recurring", limit: "10" } },
  },
  "GET /api/jobs/running": {
    tag,
    summary: "Running jobs, longest first, and the workers that hold them",
    query: runningJobsQuerySchema,
    answers: { 200: z.object({ jobs: z.array(runningJobSchema), workers: z.array(workerSchema) }) },
    example: { status: 200, query: { limit: "10" } },
  },
  "GET /api/jobs/:id": {
    tag,
    summary:
      "A job with its steps and attempts; with payload, output and what the steps returned for an admin key",
    answers: { 200: oneOf("job", jobDetailSchema) },
    example: { status: 200, path: running },
  },
  "GET /api/jobs/:id/log": {
    tag,
    summary: "What a job logged, oldest line first",
    query: jobLogQuerySchema,
    answers: { 200: pageOf("log", jobLogLineSchema) },
    example: { status: 200, path: running, query: { limit: "10" } },
  },
  "POST /api/jobs": {
    tag,
    summary: "Enqueue a job of a type that the server knows",
    description:
      "`input` is checked by the type's own schema. With an `idempotency_key` a repeat answers 200 with the first job.",
    body: { schema: enqueueJobSchema },
    answers: { 200: enqueuedSchema, 201: enqueuedSchema },
    refusals: { 404: "The job had ended and left the archive meanwhile." },
    example: {
      status: 201,
      body: { type: "prune", input: { due_ms: 1_764_000_000_000 }, idempotency_key: "prune by hand" },
    },
  },
  "PATCH /api/jobs/:id": {
    tag,
    summary: "Change a job's priority, or when it runs (`null`: now)",
    body: { schema: jobChangeSchema },
    answers: { 200: oneOf("job", jobSchema) },
    refusals: { 409: "The job is neither ready nor scheduled." },
    example: { status: 200, path: scheduled, body: { run_at: null, priority: -10 } },
  },
  "POST /api/jobs/:id/retry": {
    tag,
    summary: "Put a dead or cancelled job back in its queue",
    body: { schema: retryJobSchema, optional: true },
    answers: { 200: oneOf("job", jobSchema) },
    refusals: { 409: "The job is neither dead nor cancelled." },
    example: { status: 200, path: dead, body: { keep_attempts: false } },
  },
  "POST /api/jobs/:id/cancel": {
    tag,
    summary: "Cancel a queued or running job; a running one is told to stop",
    body: { schema: cancelJobSchema, optional: true },
    answers: { 200: oneOf("job", jobSchema) },
    refusals: { 409: "The job has ended." },
    example: { status: 200, path: running, body: { reason: "not needed any more" } },
  },
  "POST /api/jobs/retry": {
    tag,
    summary: "Retry all dead letters that match",
    description: "Cancelled jobs only when `status` names them. At least one field of the filter is needed.",
    body: { schema: retryJobsSchema },
    answers: { 200: z.object({ retried: z.number().int() }) },
    example: { status: 200, body: { status: ["dead"], type: "prune" } },
  },
  "POST /api/jobs/cancel": {
    tag,
    summary: "Cancel all queued and running jobs that match",
    description: "At least one field of the filter is needed.",
    body: { schema: cancelJobsSchema },
    answers: { 200: z.object({ cancelled: z.number().int() }) },
    example: {
      status: 200,
      body: { status: ["scheduled"], queue: "recurring", reason: "moved to another day" },
    },
  },
  "POST /api/jobs/events": {
    tag,
    summary: "Send an event to the jobs that wait for it",
    body: { schema: sendJobEventSchema },
    answers: { 202: z.object({ id: z.string(), existed: z.boolean() }) },
    example: {
      status: 202,
      body: { name: "approved", key: "order-7", payload: { by: "ada" }, id: "approval-1" },
    },
  },
};
