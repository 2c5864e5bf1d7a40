import { spawn } from "node:child_process";
import { liveStateText } from "@wharf/protocol/state-words";
import type { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { readLastStatus, type Status, statusLineOf, takeRefresh } from "../last-status.ts";
import { printLine } from "../output/fit-text.ts";
import { count, money, plain, plural, timeOf } from "../output/text.ts";

type StatusOptions = HubOptions & { statusline?: true; refresh?: true };

/** `wharf status` */
export function status(command: Command, io: Io): void {
  withHubOptions(command)
    .option(
      "--statusline",
      "one line for the status line of an agent, from the last result; a newer one is requested in the background",
    )
    .action(async function showStatus(options: StatusOptions) {
      if (options.statusline) return await printStatusLine(io);
      // Loaded late: it takes what sends with it, which the status line does not need.
      const { readStatus } = await import("../status.ts");
      const found = await readStatus(io, await requireProfile(io, options));
      if (options.json) io.json(found);
      else printStatus(io, found);
      if (!found.hub.is_reachable) io.outcome.exitCode = EXIT.unreachable;
      if (options.json) return;
      const { describeFull } = await import("./queue.ts");
      const full = describeFull(found.spool);
      if (full !== null) io.warn(`${full}.`);
    });
}

/** Prints nothing without a result: an agent would show an error. */
async function printStatusLine(io: Io): Promise<void> {
  const last = await readLastStatus(io.paths);
  if (last !== null) io.print(statusLineOf(last));
  if (!(await takeRefresh(io.paths, new Date()))) return;
  const [runtime, program] = process.argv;
  if (runtime === undefined || program === undefined) return;
  spawn(runtime, [program, "status", "--json"], { detached: true, stdio: "ignore" }).unref();
}

function printStatus(io: Io, found: Status): void {
  const { hub, device, spool } = found;
  const sent = spool.last_acknowledged_at;
  const lines: [name: string, value: string][] = [
    ["hub", `${hub.url} (${hub.is_reachable ? "reachable" : "unreachable"})`],
    ["device", device === null ? "not enrolled" : plain(device.name)],
    ...describeNumbers(io, found),
    ["unsent", `${plural(spool.files, "hook")}, ${plural(spool.events, "event")}`],
    ["last sent", sent === null ? "never" : timeOf(io, sent)],
  ];
  for (const [name, value] of lines)
    printLine(io, io.isTerminal ? `${io.colors.dim(name.padEnd(10))} ${value}` : `${name}\t${value}`);
  if (!hub.is_reachable)
    io.warn(
      found.at === null
        ? `${plain(hub.problem ?? "")} No result is cached.`
        : `${plain(hub.problem ?? "")} "today" and "live" are cached, from ${timeOf(io, found.at)}.`,
    );
  if (spool.problem !== null) io.warn(`The last attempt to send failed: ${plain(spool.problem)}`);
}

function describeNumbers(
  io: Io,
  { today, live, needs_input, at, hub }: Status,
): [name: string, value: string][] {
  if (today === null || live === null || at === null) return [];
  const asking = needs_input ?? 0;
  const cost = money(today.cost_usd, today.cost_is_partial);
  const tokens = `${count(today.tokens_in)} tokens in, ${count(today.tokens_out)} out`;
  const lines: [name: string, value: string][] = [
    [
      "today",
      `${plural(today.sessions, "session")}, ${tokens}, ${cost} on ${plural(today.devices, "device")}`,
    ],
    ["live", `${plural(live, "session")}, ${asking} ${liveStateText("needs_input", asking)}`],
  ];
  return hub.is_reachable ? lines : [...lines, ["as of", timeOf(io, at)]];
}
