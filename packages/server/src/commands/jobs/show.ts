import { type JobRecord, type JobSummary, jobState } from "@wharf/job-runner";
import { type Job, type JobAttempt, jobIdSchema, jobListQuerySchema } from "@wharf/protocol";
import { toJobFilter, toWireDetail, toWireJob } from "../../jobs/job-wire.ts";
import { CommandError } from "../command-error.ts";
import type { Request } from "./actions.ts";
import { check, filterOf, noOperands, type Options, onlyOperand, withoutUndefined } from "./arguments.ts";
import type { Engine } from "./engine.ts";
import type { Output, Row } from "./output.ts";

const LOG_LINES = 20;

/** `jobs list`. */
export function list(operands: readonly string[], options: Options): Request {
  noOperands(operands);
  const { cursor, limit } = options;
  const query = check(jobListQuerySchema, withoutUndefined({ ...filterOf(options), limit }));
  if (cursor !== undefined) requireId(cursor);

  return async function listJobs(engine, output) {
    const page = { limit: query.limit + 1, ...(cursor === undefined ? {} : { before: cursor }) };
    const found = await engine.list(toJobFilter(query), page);
    const jobs = found.slice(0, query.limit);
    const next_cursor = found.length > query.limit ? (jobs.at(-1)?.id ?? null) : null;
    const answer = { jobs: jobs.map(toWireJob), next_cursor, has_more: next_cursor !== null };
    if (output.json(answer)) return undefined;
    writeJobs(output, answer.jobs, nothingOf(options));
    if (process.stdout.isTTY && next_cursor !== null) output.line(`more: --cursor ${next_cursor}`);
    return undefined;
  };
}

/** `jobs show ID`. */
export function show(operands: readonly string[]): Request {
  const id = requireId(onlyOperand(operands, "job ID"));
  return async function showJob(engine, output) {
    const [job, steps, attempts, log] = await Promise.all([
      engine.get(id),
      engine.steps(id),
      engine.attempts(id),
      engine.log(id, { limit: LOG_LINES }),
    ]);
    if (job === undefined) throw unknown(id);
    const reason = (await engine.waitingReasons([job], new Map([[id, steps]]))).get(id);
    const shown = toWireDetail(job, { steps, attempts, waiting: reason }, true);
    if (output.json({ job: shown, log })) return undefined;
    const { steps: _, attempt_history: runs, payload, output: result, progress, waiting, ...fields } = shown;
    for (const [name, value] of Object.entries(fields)) if (value !== null) output.line(`${name}: ${value}`);
    if (waiting !== null) output.line(`waiting: ${waiting.detail}`);
    output.line(`payload: ${JSON.stringify(payload)}`);
    if (result !== null) output.line(`output: ${JSON.stringify(result)}`);
    if (progress !== null) output.line(`progress: ${JSON.stringify(progress)}`);
    for (const step of steps) output.line(`${step.kind} ${step.name}: ${step.finishedAt ?? "waiting"}`);
    for (const run of runs) output.line(attemptLine(run));
    for (const { loggedAt, level, message } of log) output.line(`${loggedAt} ${level} ${message}`);
    return undefined;
  };
}

function attemptLine({ attempt, outcome, worker_id, started_at, ended_at, error }: JobAttempt): string {
  const reason = error === null ? "" : `: ${error.split("\n", 1)[0]}`;
  return `attempt ${attempt} ${outcome} by ${worker_id} ${started_at} to ${ended_at ?? "now"}${reason}`;
}

/** One line a job: what it is, and what is worth knowing about its state. */
export function writeJobs(output: Output, jobs: readonly Job[], nothing = ""): void {
  output.rows(jobs.map(toRow), nothing);
}

/** The current job. Throws CommandError for an unknown id. */
export async function found(engine: Engine, id: string): Promise<JobRecord> {
  const job = await engine.get(id);
  if (job === undefined) throw unknown(id);
  return job;
}

export function describe(job: JobSummary): string {
  return `job ${job.id} (${job.type}) is ${jobState(job)}`;
}

/** Throws CommandError for what cannot be the number of a job. */
export function requireId(text: string): string {
  const id = jobIdSchema.safeParse(text);
  if (id.success) return id.data;
  throw new CommandError(`"${text}" is not a job ID.`, 2);
}

/** Whether there is no job at all, or none of those that were asked for. */
function nothingOf(options: Options): string {
  const { status, ...others } = filterOf(options);
  if (options.cursor !== undefined || Object.keys(others).length > 0) return "No matching jobs.";
  if (status === undefined) return "There are no jobs.";
  return options.status === "dead" ? "There are no dead letters." : "No matching jobs.";
}

function unknown(id: string): CommandError {
  return new CommandError(`Job ${id} does not exist; it may have been deleted from the archive.`, 1);
}

function toRow(job: Job): Row {
  const { id, state, queue, type, attempts, max_attempts, created_at } = job;
  return {
    id,
    state,
    queue,
    type,
    "attempts/max": `${attempts}/${max_attempts}`,
    created: short(created_at),
    detail: detailOf(job),
  };
}

function detailOf(job: Job): string | null {
  if (job.state === "running") return `by ${job.locked_by} since ${short(job.locked_at ?? "")}`;
  if (job.state === "scheduled")
    return `at ${short(job.run_at ?? "")}${job.last_error ? `, after ${job.last_error}` : ""}`;
  if (job.state === "completed") return `at ${short(job.completed_at ?? "")}`;
  return job.dlq_reason ?? job.last_error;
}

/** Seconds are enough for the eye. */
function short(instant: string): string {
  return instant.replace(/\.\d+Z$/, "Z");
}
