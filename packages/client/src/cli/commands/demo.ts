import type { Command } from "commander";
import { awaitRead, findDemoSessions, loadDemo, removeDemo } from "../../demo/load-demo.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { clientFor, type HubOptions, openHub, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { countOf } from "../values.ts";

const DAYS = 30;
const DAYS_MAX = 365;
const SEED_MAX = 2 ** 31;

type LoadOptions = HubOptions & { days?: string };

/** `wharf demo load` and `wharf demo remove` */
export function demo(command: Command, io: Io): void {
  withHubOptions(
    command
      .command("load")
      .description("Send a month of invented sessions on three devices; needs an admin key"),
  )
    .option("--days <number>", `days of sessions, ${DAYS} by default and at most ${DAYS_MAX}`)
    .action(async function loadDemoData({ days, ...options }: LoadOptions) {
      const profile = await requireProfile(io, options);
      const client = clientFor(profile, "admin");
      if ((await findDemoSessions(client)).length > 0)
        throw new CliError(
          "The hub has demo sessions already. Remove them first: wharf demo remove",
          EXIT.failed,
          "DEMO_LOADED",
        );
      // Deleted sessions cannot be sent again: each load has others.
      const seed = Math.floor(Math.random() * SEED_MAX);
      const progress = progressOf(io, "sent");
      const loaded = await loadDemo(client, { now: new Date(), days: daysOf(days), seed }, progress);
      const read = await awaitRead(client, await findDemoSessions(client), progressOf(io, "read by the hub"));
      if (options.json) return io.json({ ...loaded, sessions_read: read });
      io.print(
        `Sent ${loaded.sessions} sessions with ${loaded.events} events and ${loaded.files} transcript files to ${profile.url}.`,
      );
      if (read < loaded.sessions)
        io.warn(
          `The hub has read ${read} of them, and none for half a minute. Titles and costs follow when it reads the others. See: wharf jobs list --type parse-transcript`,
        );
      io.print("See: wharf sessions");
      io.print("Remove them: wharf demo remove");
    });
  withHubOptions(
    command
      .command("remove")
      .description("Delete the invented sessions, their repositories and their devices; needs an admin key"),
  ).action(async function removeDemoData(options: HubOptions) {
    const client = await openHub(io, options, "admin");
    const removed = await removeDemo(client, progressOf(io, "deleted"));
    if (options.json) io.json({ sessions: removed });
    else
      io.print(
        removed === 0
          ? "The hub has no demo sessions."
          : `Deleted ${removed} sessions, and removed their repositories and devices.`,
      );
  });
}

function daysOf(typed: string | undefined): number {
  const days = typed === undefined ? DAYS : countOf(typed);
  if (days <= DAYS_MAX) return days;
  throw new CliError(`--days is at most ${DAYS_MAX}.`, EXIT.usage, "NUMBER_INVALID");
}

/** One line of a terminal that counts; a pipe gets nothing. */
function progressOf(io: Io, verb: string): (done: number, total: number) => void {
  return (done, total) => {
    if (!io.isTerminal) return;
    process.stderr.write(`\r${done} of ${total} sessions ${verb}${done === total ? "\n" : ""}`);
  };
}
