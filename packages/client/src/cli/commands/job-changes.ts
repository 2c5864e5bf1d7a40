import type { Job, JobFilterRequest, JobState } from "@wharf/protocol";
import type { Command } from "commander";
import type { Jobs } from "../../sdk/resources.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { plural } from "../output/text.ts";
import { confirm } from "../prompt.ts";
import { type JobFilterOptions, withJobFilter } from "./list-filters.ts";

type ChangeOptions = HubOptions & JobFilterOptions & { yes?: true };

type Change = {
  verb: "retry" | "cancel";
  done: "retried" | "cancelled";
  /** Jobs in other states stay as they are. */
  states: readonly JobState[];
  /** Without --status. */
  defaultStates: readonly JobState[];
  one(jobs: Jobs, id: string): Promise<Job>;
  all(jobs: Jobs, filter: JobFilterRequest): Promise<number>;
};

const ENDED: readonly JobState[] = ["dead", "cancelled"];
const OPEN: readonly JobState[] = ["ready", "scheduled", "waiting", "running"];

/** `wharf jobs retry` and `cancel`: one job, or all that match a filter */
export function jobChanges(command: Command, io: Io): void {
  withSelection(command.command("retry [id]"))
    .description("Retry a dead or cancelled job, or all that match a filter; needs an admin key")
    .option("--status <list>", "dead (the default), cancelled, or failed for both")
    .action(async function retry(id: string | undefined, options: ChangeOptions) {
      await change(io, id, options, {
        verb: "retry",
        done: "retried",
        states: ENDED,
        defaultStates: ["dead"],
        one: (jobs, job) => jobs.retry(job),
        all: (jobs, filter) => jobs.retryAll(filter),
      });
    });
  withSelection(command.command("cancel [id]"))
    .description("Cancel a queued or running job, or all that match a filter; needs an admin key")
    .option("--status <list>", "queued, running, or a state such as scheduled")
    .option("--reason <text>", "kept with the jobs")
    .action(async function cancel(
      id: string | undefined,
      { reason, ...options }: ChangeOptions & { reason?: string },
    ) {
      await change(io, id, options, {
        verb: "cancel",
        done: "cancelled",
        states: OPEN,
        defaultStates: OPEN,
        one: (jobs, job) => jobs.cancel(job, reason),
        all: (jobs, filter) => jobs.cancelAll(filter, reason),
      });
    });
}

function withSelection(command: Command): Command {
  return withJobFilter(withHubOptions(command)).option("--yes", "with a filter: do not ask");
}

async function change(io: Io, id: string | undefined, options: ChangeOptions, action: Change): Promise<void> {
  requireSelection(id, options);
  const { jobs } = await openHub(io, options, "admin");
  if (id === undefined) return await changeMatching(io, jobs, options, action);
  const job = await action.one(jobs, id);
  if (options.json) io.json({ job });
  else io.print(`Job ${job.id} is ${job.state}.`);
}

/** Changes all jobs that match, after their number was typed, or with --yes. */
async function changeMatching(
  io: Io,
  jobs: Jobs,
  { status, queue, type, json, yes }: ChangeOptions,
  { verb, done, states, defaultStates, all }: Change,
): Promise<void> {
  const filter = { ...(queue !== undefined && { queue }), ...(type !== undefined && { type }) };
  const counts = await jobs.counts({ ...filter, status: status ?? defaultStates });
  // The hub counts the states that --status names.
  const wanted = states.filter((state) => counts[state] !== undefined);
  const found = wanted.reduce((sum, state) => sum + (counts[state]?.count ?? 0), 0);
  const isCapped = wanted.some((state) => counts[state]?.is_capped);
  if (found > 0 && !yes) {
    const number = `${isCapped ? "at least " : ""}${plural(found, "job")}`;
    await confirm(io, `This is to ${verb} ${number}. Type ${found} to continue.`, String(found));
  }
  const changed = found === 0 ? 0 : await all(jobs, { ...filter, status: wanted });
  if (json) io.json({ [done]: changed });
  else if (found === 0) io.warn("No job matches.");
  else io.print(`${plural(changed, "job")} ${done}.`);
}

/** Throws CliError for neither or both of an id and a filter. An unset variable of a script is no filter. */
function requireSelection(id: string | undefined, { status, queue, type }: JobFilterOptions): void {
  const filters = [status, queue, type].filter((value) => value !== undefined);
  const isFilter = filters.length > 0 && filters.every((value) => value.trim() !== "");
  if (id === undefined ? isFilter : filters.length === 0) return;
  throw new CliError(
    "Name one job by its id, or choose jobs by --status, --queue and --type.",
    EXIT.usage,
    "SELECTION_INVALID",
  );
}
