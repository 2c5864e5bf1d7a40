import type { Queue } from "@wharf/protocol";
import type { Command } from "commander";
import type { Jobs } from "../../sdk/resources.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printTable } from "../output/table.ts";
import { duration, plain, timeOf } from "../output/text.ts";

/** `wharf jobs queues`, `pause` and `resume` */
export function jobQueues(command: Command, io: Io): void {
  withHubOptions(command.command("queues").description("List queues with their jobs by state")).action(
    async function listQueues(options: HubOptions) {
      const queues = await (await openHub(io, options)).jobs.queues();
      if (options.json) io.json({ queues });
      else printQueues(io, queues);
    },
  );
  withHubOptions(
    command
      .command("pause <queue>")
      .description("Start no further job of a queue until it is resumed; needs an admin key"),
  )
    .option("--reason <text>", "shown with the queue")
    .action(async function pause(name: string, options: HubOptions & { reason?: string }) {
      const queue = await (await openQueue(io, name, options)).pauseQueue(name, options.reason);
      if (options.json) io.json({ queue });
      else io.print(`Queue ${plain(name)} is paused. Its running jobs continue.`);
    });
  withHubOptions(
    command.command("resume <queue>").description("Resume a paused queue; needs an admin key"),
  ).action(async function resume(name: string, options: HubOptions) {
    const queue = await (await openQueue(io, name, options)).resumeQueue(name);
    if (options.json) io.json({ queue });
    else io.print(`Queue ${plain(name)} is resumed.`);
  });
}

/** The hub takes any name, also of a queue that gets its first job later: one that it does not list may be mistyped. */
async function openQueue(io: Io, name: string, options: HubOptions): Promise<Jobs> {
  const { jobs } = await openHub(io, options, "admin");
  if (!(await jobs.queues()).some((queue) => queue.name === name))
    io.warn(`No job has used queue ${plain(name)} yet. See: wharf jobs queues`);
  return jobs;
}

function printQueues(io: Io, queues: readonly Queue[]): void {
  const now = new Date();
  const jobs = (state: "ready" | "scheduled" | "waiting" | "running" | "dead") => ({
    title: state.toUpperCase(),
    cell: (queue: Queue) => `${queue[state]}${queue.capped.includes(state) ? "+" : ""}`,
    align: "right" as const,
  });
  printTable(
    io,
    [
      { title: "QUEUE", cell: ({ name }) => name, isWide: true },
      ...(["ready", "scheduled", "waiting", "running", "dead"] as const).map(jobs),
      { title: "OLDEST", cell: ({ oldest_ready_ms }) => duration(oldest_ready_ms), align: "right" },
      {
        title: "PAUSED",
        cell: ({ paused_at, pause_reason }) =>
          [paused_at === null ? "–" : timeOf(io, paused_at, now), pause_reason ?? ""].join(" "),
      },
    ],
    queues,
    "The hub has no queues.",
  );
}
