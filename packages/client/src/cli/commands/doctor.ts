import type { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { checkCapture } from "../doctor/check-capture.ts";
import { type Check, checkHub } from "../doctor/check-hub.ts";
import { checkMachine } from "../doctor/check-machine.ts";
import { type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printLine } from "../output/fit-text.ts";
import { plain } from "../output/text.ts";

/** `wharf doctor` */
export function doctor(command: Command, io: Io): void {
  withHubOptions(command).action(async function examine(options: HubOptions) {
    const profile = await requireProfile(io, options);
    const checks = [...(await checkMachine(io)), ...(await checkHub(profile)), ...(await checkCapture(io))];
    if (options.json) io.json({ profile: profile.name, checks });
    else for (const check of checks) printCheck(io, check);
    const failed = checks.filter(({ status }) => status === "fail");
    if (failed.length > 0)
      io.outcome.exitCode = failed.every(({ name }) => name === "hub") ? EXIT.unreachable : EXIT.failed;
  });
}

function printCheck(io: Io, { name, status, detail, fix }: Check): void {
  const { green, yellow, red } = io.colors;
  const color = { ok: green, warn: yellow, fail: red }[status];
  if (!io.isTerminal) {
    io.print(`${status}\t${name}\t${plain(detail)}${fix === null ? "" : ` → ${fix}`}`);
    return;
  }
  printLine(io, `${color(status.padEnd(4))} ${name.padEnd(11)} ${plain(detail)}`);
  // Not cut: it is to be copied.
  if (fix !== null) io.print(`     → ${fix}`);
}
