import { fileURLToPath } from "node:url";
import { JobRunnerError } from "../contract/errors.ts";
import { createProcessTree } from "./process-tree.ts";
import {
  BEAT,
  BEATS_PER_SILENCE,
  type CommandOrder,
  END,
  isReport,
  type Report,
} from "./supervisor-messages.ts";

const SUPERVISOR = fileURLToPath(new URL("./supervisor.ts", import.meta.url));
/** Of the supervisor, before it counts as stopped: half of the silence that the worker itself is allowed. */
const MISSED_BEATS_MAX = 4;
/** Beyond what the supervisor itself takes to end a command that resists. */
const END_DEADLINE_MS = 8000;

/**
 * Runs a command under a supervisor of its own. Resolves when no process of it is left, also after `signal` has aborted; its
 * reason is then thrown. Throws JobRunnerError COMMAND_UNSUPERVISED when the supervisor was killed or stopped: what it left is ended.
 */
export async function runCommand(order: CommandOrder, signal: AbortSignal): Promise<Report> {
  signal.throwIfAborted();
  const report = Promise.withResolvers<Report>();
  let missedBeats = 0;
  const supervisor = Bun.spawn([process.execPath, SUPERVISOR], {
    cwd: order.folder,
    // None of ours: the command could read it from /proc.
    env: {},
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
    ipc: (message) => {
      missedBeats = 0;
      if (isReport(message)) report.resolve(message);
    },
  });
  const send = (message: unknown) => {
    if (supervisor.exitCode === null && supervisor.signalCode === null) supervisor.send(message);
  };
  const beat = setInterval(() => send(BEAT), order.silenceMs / BEATS_PER_SILENCE);
  const abort = () => {
    send(END);
    killAfter = setTimeout(() => supervisor.kill("SIGKILL"), END_DEADLINE_MS);
  };
  /** Counted by this process' own ticks: none is missed while it is suspended. */
  const watch = setInterval(() => {
    missedBeats += 1;
    if (missedBeats > MISSED_BEATS_MAX) void endStopped();
  }, order.silenceMs / BEATS_PER_SILENCE);
  /** A command may stop its supervisor. What is below it is found as long as it is there. */
  const endStopped = async () => {
    clearInterval(watch);
    await createProcessTree({ belowPid: supervisor.pid, marker: order.marker }).end(0);
    supervisor.kill("SIGKILL");
  };
  let killAfter: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", abort, { once: true });
  try {
    send(order);
    const found = await Promise.race([report.promise, supervisor.exited.then(() => undefined)]);
    if (found !== undefined) supervisor.disconnect();
    await supervisor.exited;
    if (found === undefined) await endUnsupervised(order);
    signal.throwIfAborted();
    return found ?? unsupervised();
  } finally {
    clearInterval(beat);
    clearInterval(watch);
    clearTimeout(killAfter);
    signal.removeEventListener("abort", abort);
  }
}

/** Processes killed with the supervisor: only the marker in their environment identifies them. */
async function endUnsupervised({ marker }: CommandOrder) {
  await createProcessTree({ marker }).end(0);
}

function unsupervised(): never {
  throw new JobRunnerError(
    "COMMAND_UNSUPERVISED",
    "The command's supervisor was killed or suspended, or could not start; the rest of the command was stopped.",
  );
}
