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
/** Share of the worker's allowed silence after which the supervisor counts as stopped. */
const MISSED_BEATS_MAX = 4;
/** Longer than the supervisor takes to end a command that ignores signals. */
const END_DEADLINE_MS = 8000;

/**
 * Runs a command under its own supervisor. Resolves when none of its processes is left, also after an abort of `signal`, whose
 * reason is then thrown. Throws JobRunnerError COMMAND_UNSUPERVISED when the supervisor was killed or stopped, after ending the
 * remaining processes.
 */
export async function runCommand(order: CommandOrder, signal: AbortSignal): Promise<Report> {
  signal.throwIfAborted();
  const report = Promise.withResolvers<Report>();
  let missedBeats = 0;
  const supervisor = Bun.spawn([process.execPath, SUPERVISOR], {
    cwd: order.folder,
    // Not our environment, which the command could read from /proc.
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
  /** Counts ticks of this process, so that a suspended worker does not miss beats. */
  const watch = setInterval(() => {
    missedBeats += 1;
    if (missedBeats > MISSED_BEATS_MAX) void endStopped();
  }, order.silenceMs / BEATS_PER_SILENCE);
  /** A command may stop its supervisor. Its descendants can be found while it exists. */
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
