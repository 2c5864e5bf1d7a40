import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { listOutbox, sendOutbox } from "../../sender/send-outbox.ts";
import { noteAcknowledged, readSenderState, type SenderState } from "../../sender/sender-state.ts";
import { isSenderRunning } from "../../sender/take-lock.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { readIfThere, statIfThere } from "../../spool/files.ts";
import { fillOutbox } from "../../spool/fill-outbox.ts";
import { listSpool } from "../../spool/list-spool.ts";
import { findMachineProblem } from "../../spool/machine-problem.ts";
import { listRejected } from "../../spool/rejected.ts";
import { SPOOL_BYTES_MAX } from "../../spool/spool-size.ts";
import { EXIT } from "../cli-error.ts";
import { type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printLine } from "../output/fit-text.ts";
import { printTable } from "../output/table.ts";
import { plural, timeOf } from "../output/text.ts";
import { prepareSending } from "../sending.ts";

export type QueueStatus = SenderState & {
  /** Hooks that are not events yet. */
  spool_files: number;
  spool_bytes: number;
  /** Events that the hub does not have yet. */
  events: number;
  rejected: number;
  /** Hooks get no room for their input. */
  is_full: boolean;
  /** Hooks that got none, since the installation. */
  refused: number;
  sender_pid: number | null;
};

/** `wharf queue status`, `drain` and `rejected` */
export function queue(command: Command, io: Io): void {
  command
    .command("status", { isDefault: true })
    .description("Show what waits to be sent")
    .option("--json", "print JSON")
    .action(async function showQueue({ json }: { json?: true }) {
      const status = await readQueueStatus(io);
      if (json) io.json(status);
      else for (const line of describe(io, status)) printLine(io, line);
    });
  withHubOptions(command.command("drain").description("Send now all events that wait")).action(
    async function drainQueue(options: HubOptions) {
      const { sender } = prepareSending(io, await requireProfile(io, options));
      await fillOutbox(sender);
      const { problem, ...sent } = await sendOutbox(sender);
      if (problem === null && sent.accepted + sent.duplicates + sent.rejected > 0)
        await noteAcknowledged(sender.paths.state, new Date().toISOString());
      if (options.json) io.json({ ...sent, problem: problem?.message ?? null });
      else
        io.print(
          `Sent ${plural(sent.accepted, "event")}; on the hub already: ${sent.duplicates}; rejected: ${sent.rejected}.`,
        );
      if (problem !== null) {
        io.warn(`Some events wait, because the hub failed for them: ${problem.message}`);
        io.outcome.exitCode = EXIT.failed;
      }
    },
  );
  command
    .command("rejected")
    .description("List what the hub refused, with the reasons")
    .option("--json", "print JSON")
    .action(async function showRejected({ json }: { json?: true }) {
      const { rejected: directory } = dataPaths(io.paths.data);
      const rejected = await listRejected(directory);
      if (json) return io.json({ rejected });
      printTable(
        io,
        [
          { title: "REJECTED", cell: ({ rejected_at }) => timeOf(io, rejected_at) },
          { title: "REASON", cell: ({ reason }) => reason, isWide: true },
          { title: "FILE", cell: ({ name }) => join(directory, `${name}.json`) },
        ],
        rejected,
        "Nothing was rejected.",
      );
    });
}

export async function readQueueStatus(io: Io): Promise<QueueStatus> {
  const paths = dataPaths(io.paths.data);
  const { waiting } = await listSpool(paths.spool);
  const sizes = await Promise.all(waiting.map(({ name }) => statIfThere(join(paths.spool, name))));
  const batches = await listOutbox(paths.outbox);
  const contents = await Promise.all(
    batches.map((name) => readFile(join(paths.outbox, name), "utf8").catch(() => "")),
  );
  const state = await readSenderState(paths.state);
  const message = await findMachineProblem(paths.data);
  const at = new Date().toISOString();
  const pid = Number((await readIfThere(paths.pid))?.toString("utf8"));
  return {
    spool_files: waiting.length,
    spool_bytes: sizes.reduce((sum, stats) => sum + (stats?.size ?? 0), 0),
    events: contents.reduce(
      (sum, content) => sum + content.split("\n").filter((line) => line !== "").length,
      0,
    ),
    rejected: (await listRejected(paths.rejected)).length,
    is_full: (await statIfThere(paths.full)) !== null,
    refused: (await statIfThere(paths.refused))?.size ?? 0,
    sender_pid: pid > 0 && (await isSenderRunning(paths.socket)) ? pid : null,
    last_acknowledged_at: state.last_acknowledged_at,
    problem: message === null ? state.problem : { at, status: null, message },
  };
}

/** Null: no hook was refused for want of room. */
export function describeFull({ is_full, refused }: Pick<QueueStatus, "is_full" | "refused">): string | null {
  if (is_full)
    return `${SPOOL_BYTES_MAX / 1e9} GB wait to be sent: new hooks are refused (${refused} so far)`;
  return refused === 0 ? null : `${refused} hooks were refused while the spool was full`;
}

function describe(io: Io, status: QueueStatus): string[] {
  const { spool_files, events, rejected, sender_pid, last_acknowledged_at, problem } = status;
  const full = describeFull(status);
  return [
    `waiting\t${plural(spool_files, "hook")}, ${plural(events, "event")}`,
    `rejected\t${rejected}${rejected > 0 ? " (wharf queue rejected)" : ""}`,
    ...(full === null ? [] : [`full\t${full}`]),
    `sender\t${sender_pid === null ? "not running" : `running (${sender_pid})`}`,
    `last sent\t${last_acknowledged_at === null ? "never" : timeOf(io, last_acknowledged_at)}`,
    ...(problem === null ? [] : [`problem\t${problem.message} (${timeOf(io, problem.at)})`]),
  ];
}
