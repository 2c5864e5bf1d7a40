import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { type Command, Option } from "commander";
import { previewSending } from "../../sender/preview.ts";
import { runSender } from "../../sender/run-sender.ts";
import { readSenderState } from "../../sender/sender-state.ts";
import { EXIT } from "../cli-error.ts";
import { type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { megabytes } from "../output/progress.ts";
import { prepareSending, type Sending } from "../sending.ts";

/** Of a sender that a person waits for: a look at the spool and at the transcripts finds nothing new. */
const QUIET_MS = 1_000;

type SendOptions = HubOptions & { background?: true; linger?: true; stay?: true; dryRun?: true };

/** `wharf send`, which hooks start with --background and a service with --stay. */
export function send(command: Command, io: Io): void {
  withHubOptions(command)
    .option("--background", "return at once, and send in a process of its own")
    .addOption(new Option("--linger").hideHelp())
    .option("--stay", "run until it is stopped, as a service")
    .option("--dry-run", "print the events and parts of transcripts as they would be sent, and send nothing")
    .action(async function sendSpool(options: SendOptions) {
      if (options.background) return startInBackground(io, options.profile);
      let sentBytes = 0;
      const { sender, files } = prepareSending(io, await requireProfile(io, options), (bytes) => {
        sentBytes += bytes;
        if (io.isTerminal) process.stderr.write(`\r${megabytes(sentBytes)} of transcripts sent\x1b[K`);
      });
      if (options.dryRun) return await printPreview(io, sender, files, options);
      const ended = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => ended.abort());
      const quiet = options.linger ? {} : { quietMs: options.stay ? Number.POSITIVE_INFINITY : QUIET_MS };
      const before = await readSenderState(sender.paths.state);
      const result = await runSender({ ...sender, ...quiet, signal: ended.signal });
      if (sentBytes > 0 && io.isTerminal) process.stderr.write("\n");
      const status = result === "other" ? "already_running" : "done";
      if (options.json) return io.json({ status });
      if (result === "other") return io.print("Another process of this machine sends already.");
      const { last_acknowledged_at, problem } = await readSenderState(sender.paths.state);
      if (problem !== null) {
        io.outcome.exitCode = EXIT.failed;
        io.warn(`The last attempt to send failed: ${problem.message}`);
      } else if (last_acknowledged_at === before.last_acknowledged_at) io.print("Nothing waits to be sent.");
      else io.print("Sent all that waited.");
    });
}

/** As lines: each event, and each part below a line that names it. */
async function printPreview(
  io: Io,
  sender: Sending["sender"],
  files: Sending["files"],
  { json }: SendOptions,
): Promise<void> {
  const events: unknown[] = [];
  const transcripts: object[] = [];
  await previewSending(sender, files, {
    onEvent: (line) => void (json ? events.push(JSON.parse(line)) : io.print(line)),
    onPart({ session_id, agent, file, offset, workspace_id, bytes }) {
      const text = new TextDecoder().decode(bytes);
      if (json) transcripts.push({ session_id, agent, file, workspace_id, offset, text });
      else io.print(`${agent}\t${session_id}\t${file}\tfrom byte ${offset}\n${text.replace(/\n$/, "")}`);
    },
  });
  if (json) io.json({ events, transcripts });
}

/** In a session of its own: the processes of an agent end with it. */
async function startInBackground({ paths }: Io, profile: string | undefined): Promise<void> {
  await mkdir(paths.data, { recursive: true, mode: 0o700 });
  const [runtime, program = ""] = process.argv;
  const words = [program, "send", "--linger", ...(profile === undefined ? [] : ["--profile", profile])];
  spawn(runtime ?? process.execPath, words, { cwd: paths.data, detached: true, stdio: "ignore" }).unref();
}
