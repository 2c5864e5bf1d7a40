import type { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { checkCapture } from "../doctor/check-capture.ts";
import { checkEnrolment } from "../doctor/check-enrolment.ts";
import { checkFiles, type FileCheck } from "../doctor/check-files.ts";
import { type Check, checkHub } from "../doctor/check-hub.ts";
import { checkMachine } from "../doctor/check-machine.ts";
import { checkRetention } from "../doctor/check-retention.ts";
import { type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { wrapped } from "../output/fit-text.ts";
import { printTable } from "../output/table.ts";
import { plain } from "../output/text.ts";

/** Columns before the detail of a check. */
const INDENT = 17;

type DoctorOptions = HubOptions & { files?: true; all?: true };

/** `wharf doctor` */
export function doctor(command: Command, io: Io): void {
  withHubOptions(command)
    .option("--files", "compare the transcript files of the newest sessions with the hub")
    .option("--all", "with --files: of all sessions")
    .action(async function examine(options: DoctorOptions) {
      const profile = await requireProfile(io, options);
      if (options.files)
        return reportFiles(io, await checkFiles(io, profile, options.all === true), options.json);
      const checks = [
        ...(await checkMachine(io)),
        ...(await checkEnrolment(io, profile)),
        ...(await checkHub(profile)),
        ...(await checkCapture(io)),
        ...(await checkRetention(io, profile)),
      ];
      if (options.json) io.json({ profile: profile.name, checks });
      else for (const check of checks) printCheck(io, check);
      const failed = checks.filter(({ status }) => status === "fail");
      if (failed.length > 0)
        io.outcome.exitCode = failed.every(({ name }) => name === "hub") ? EXIT.unreachable : EXIT.failed;
    });
}

function reportFiles(io: Io, files: readonly FileCheck[], isJson: true | undefined): void {
  if (files.some(({ is_equal, withheld }) => !is_equal && withheld === null))
    io.outcome.exitCode = EXIT.failed;
  if (isJson) {
    io.json({ files });
    return;
  }
  printTable(
    io,
    [
      { title: "BYTES", cell: ({ bytes }) => String(bytes), align: "right" },
      { title: "HELD", cell: ({ held_bytes }) => String(held_bytes), align: "right" },
      { title: "HASH", cell: stateOf, isWhole: true },
      { title: "FILE", cell: nameOf, isWide: true },
    ],
    files,
    "No transcript files were found on this machine.",
  );
}

function stateOf({ is_equal, withheld }: FileCheck): string {
  if (is_equal !== null) return is_equal ? "equal" : "differs";
  if (withheld === null) return "not held";
  return withheld === "deleted" ? "deleted on the hub" : "not shared";
}

/** A database holds many sessions. */
function nameOf({ agent, path, session_id }: FileCheck): string {
  return agent === "opencode" ? `${path} ${session_id}` : path;
}

function printCheck(io: Io, { name, status, detail, fix }: Check): void {
  const { green, yellow, red } = io.colors;
  const color = { ok: green, warn: yellow, fail: red }[status];
  if (!io.isTerminal) {
    io.print(`${status}\t${name}\t${plain(detail)}${fix === null ? "" : ` → ${fix}`}`);
    return;
  }
  const lines = wrapped({ ...io, columns: io.columns - INDENT }, plain(detail)).split("\n");
  io.print(`${color(status.padEnd(4))} ${name.padEnd(11)} ${lines.join(`\n${" ".repeat(INDENT)}`)}`);
  // Not cut: it is to be copied.
  if (fix !== null) io.print(`     → ${fix}`);
}
