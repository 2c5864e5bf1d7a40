import { spawn } from "node:child_process";
import type { Command } from "commander";
import { type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { readLastStatus, type Status, takeRefresh } from "../last-status.ts";
import { ago, count, money, plain } from "../output/text.ts";

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
      if (options.json) return;
      const { describeFull } = await import("./queue.ts");
      const full = describeFull(found.spool);
      if (full !== null) io.warn(`${full}.`);
    });
}

/** Prints nothing without a result: an agent would show an error. */
async function printStatusLine(io: Io): Promise<void> {
  const last = await readLastStatus(io.paths);
  if (last !== null) io.print(statusLine(last));
  if (!(await takeRefresh(io.paths, new Date()))) return;
  const [runtime, program] = process.argv;
  if (runtime === undefined || program === undefined) return;
  spawn(runtime, [program, "status", "--json"], { detached: true, stdio: "ignore" }).unref();
}

function statusLine({ today, needs_input, spool }: Status): string {
  const parts = [`${today.sessions} sessions today`, money(today.cost_usd, today.cost_is_partial)];
  if (needs_input > 0) parts.push(`${needs_input} waiting for you`);
  const unsent = spool.files + spool.events;
  if (unsent > 0) parts.push(`${unsent} unsent`);
  return parts.join(" · ");
}

function printStatus(io: Io, found: Status): void {
  const { today, hub, device, spool } = found;
  const state = hub.is_reachable ? "reachable" : `unreachable: ${plain(hub.problem ?? "")}`;
  const lines: [name: string, value: string][] = [
    ["hub", `${hub.url} (${state})`],
    ["device", device === null ? "not enrolled" : plain(device.name)],
    [
      "today",
      `${today.sessions} sessions, ${count(today.tokens_in)} tokens in, ${count(today.tokens_out)} out, ${money(today.cost_usd, today.cost_is_partial)} on ${today.devices} devices`,
    ],
    ["live", `${found.live} sessions, ${found.needs_input} waiting for you`],
    ["unsent", `${spool.files} hooks, ${spool.events} events`],
    ["last sent", ago(spool.last_acknowledged_at, new Date())],
  ];
  if (!hub.is_reachable) lines.push(["as of", found.at]);
  for (const [name, value] of lines)
    io.print(io.isTerminal ? `${io.colors.dim(name.padEnd(10))} ${value}` : `${name}\t${value}`);
  if (spool.problem !== null) io.warn(`The last attempt to send failed: ${plain(spool.problem)}`);
}
