import type { Job, JobAttempt } from "@wharf/protocol";
import { HOUSEKEEPING_QUEUE } from "@wharf/protocol/queues";
import { attemptText } from "@wharf/protocol/state-words";
import type { Command } from "commander";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printTable } from "../output/table.ts";
import { plain, timeOf } from "../output/text.ts";
import { countOf } from "../values.ts";
import { jobChanges } from "./job-changes.ts";
import { jobQueues } from "./job-queues.ts";
import { type JobFilterOptions, withJobFilter } from "./list-filters.ts";

type ListOptions = HubOptions & JobFilterOptions & { all?: true; limit: number };

/** `wharf jobs list`, `dlq` and `inspect`, and the subcommands that change jobs and queues */
export function jobs(command: Command, io: Io): void {
  const list = (named: Command) =>
    withJobFilter(withHubOptions(named)).option("--limit <number>", "at most so many", countOf, 20);
  list(command.command("list").description("List jobs, newest first"))
    .option("--all", "also what the hub does by the clock; so does any filter")
    .option("--status <list>", "queued, running, completed, failed, or a state such as dead")
    .action((options: ListOptions) => listJobs(io, options));
  list(command.command("dlq").description("List dead jobs: those that failed for the last time")).action(
    (options: ListOptions) => listJobs(io, { ...options, status: "dlq" }),
  );
  withHubOptions(command.command("inspect <id>").description("Show a job with its attempts")).action(
    async function inspect(id: string, options: HubOptions) {
      const job = await (await openHub(io, options)).jobs.get(id);
      if (options.json) io.json({ job });
      else printJob(io, job, job.attempt_history);
    },
  );
  jobChanges(command, io);
  jobQueues(command, io);
}

async function listJobs(io: Io, { status, queue, type, all, limit, ...options }: ListOptions): Promise<void> {
  const isChosen = all === true || status !== undefined || queue !== undefined || type !== undefined;
  const filter = isChosen ? { status, queue, type } : { except_queue: HOUSEKEEPING_QUEUE };
  const page = await (await openHub(io, options)).jobs.list({ ...filter, limit });
  if (options.json) {
    io.json(page);
    return;
  }
  const now = new Date();
  printTable(
    io,
    [
      { title: "ID", cell: ({ id }) => id },
      { title: "STATE", cell: ({ state }) => state },
      { title: "TYPE", cell: ({ type }) => type },
      { title: "QUEUE", cell: ({ queue }) => queue },
      {
        title: "FAILURES",
        cell: ({ attempts, max_attempts }) => `${attempts}/${max_attempts}`,
        align: "right",
      },
      { title: "UPDATED", cell: ({ updated_at }) => timeOf(io, updated_at, now) },
      { title: "ERROR", cell: ({ last_error }) => last_error ?? "", isWide: true },
    ],
    page.jobs,
    "No job was found.",
  );
}

function printJob(io: Io, job: Job, attempts: readonly JobAttempt[]): void {
  const facts = {
    id: job.id,
    type: job.type,
    queue: job.queue,
    state: job.state,
    created: timeOf(io, job.created_at),
    error: job.last_error,
  };
  for (const [name, value] of Object.entries(facts)) if (value !== null) io.print(`${name}\t${plain(value)}`);
  for (const { attempt, started_at, outcome, error } of attempts)
    io.print(`attempt ${attempt}\t${timeOf(io, started_at)}\t${attemptText(outcome)}\t${plain(error ?? "")}`);
}
