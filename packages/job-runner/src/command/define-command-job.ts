import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineJob } from "../define-job.ts";
import { JobRunnerError } from "../errors.ts";
import type { JobContext } from "../job-context.ts";
import { type ArtifactStore, storeArtifacts, storeFile } from "./artifacts.ts";
import { CommandExitError, CommandLimitError } from "./command-errors.ts";
import {
  COMMAND_BOUNDS,
  type CommandBounds,
  type CommandInput,
  commandInput,
  commandOutput,
} from "./command-input.ts";
import { followOutput } from "./follow-output.ts";
import type { Limit, Order, Report } from "./orders.ts";
import { runCommand } from "./run-command.ts";
import {
  createRunFolder,
  MARKER_NAME,
  type RunFolder,
  removeRunFolder,
  sweepRunFolders,
} from "./run-folder.ts";
import { tailOf } from "./tail-of.ts";

/** Less than the usual lease, so that a frozen worker's command has ended before another worker starts it again. */
const WORKER_SILENCE_MS = 20_000;
const LANG = "C.UTF-8";
const MAX_ATTEMPTS = 5;

export type CommandJobOptions = {
  /** Default "command". */
  readonly name?: string;
  /** Default "commands": apart from other jobs, as each is processes of its own. */
  readonly queue?: string;
  /** Below it each run has a folder of its own, mode 0700, that is removed afterwards. Of this machine alone. */
  readonly folder: string;
  /** Takes stdout, stderr and the artifacts. */
  readonly store: ArtifactStore;
  /** Where programs are looked for. */
  readonly path: string;
  readonly bounds?: Partial<CommandBounds>;
  /** The command is ended when this process shows no sign of life for so long; less than leaseMs. Default 20 s. */
  readonly workerSilenceMs?: number;
};

/**
 * A job kind that runs a command in an empty workspace of its own, with a clean environment and with limits, and ends it with
 * all its children when it oversteps one or the job is lost. It is no sandbox: a command can read what its user can read.
 */
export function defineCommandJob(options: CommandJobOptions) {
  const bounds = { ...COMMAND_BOUNDS, ...options.bounds };
  return defineJob({
    name: options.name ?? "command",
    queue: options.queue ?? "commands",
    input: commandInput(bounds),
    output: commandOutput,
    maxAttempts: MAX_ATTEMPTS,
    run: (ctx, input) => runInFolder(ctx, input, { ...options, bounds }),
  });
}

type Settings = CommandJobOptions & { readonly bounds: CommandBounds };

async function runInFolder(ctx: JobContext, input: CommandInput, settings: Settings) {
  await sweepRunFolders(settings.folder);
  const folder = await createRunFolder(settings.folder);
  try {
    await writeFile(join(folder.path, "stdin"), input.stdin, { mode: 0o600 });
    const report = await runAndFollow(ctx, orderOf(input, folder, settings));
    if (report.leftBehind > 0)
      ctx.logger.error({ processes: report.leftBehind }, "command could not be ended");
    await throwIfFailed(report, input, folder);
    return await collect(ctx, input, report, folder, settings);
  } finally {
    await removeRunFolder(folder.path);
  }
}

/** What the command writes is in the job's log while it runs, also when it fails. */
async function runAndFollow(ctx: JobContext, order: Order): Promise<Report> {
  const following = followOutput(order.folder, (stream, line) => ctx.log(line, { stream }));
  try {
    return await runCommand(order, ctx.signal);
  } finally {
    await following.stop();
  }
}

function orderOf(input: CommandInput, folder: RunFolder, { path, workerSilenceMs }: Settings): Order {
  const workspace = join(folder.path, "work");
  const standard = { PATH: path, HOME: workspace, TMPDIR: join(folder.path, "temp"), LANG };
  return {
    command: input.command,
    env: { ...standard, ...input.env, [MARKER_NAME]: folder.path },
    marker: folder.marker,
    limits: {
      timeMs: input.timeout_ms,
      memoryBytes: input.memory_bytes,
      processes: input.processes_max,
      outputBytes: input.output_bytes_max,
    },
    folder: folder.path,
    silenceMs: workerSilenceMs ?? WORKER_SILENCE_MS,
  };
}

async function throwIfFailed(report: Report, input: CommandInput, folder: RunFolder) {
  const { ending, exitCode, signal } = report;
  if (ending === "exited" && exitCode === 0) return;
  if (ending === "told" || ending === "abandoned") {
    throw new JobRunnerError(
      "COMMAND_ENDED",
      "The command was ended, as its worker was silent for too long.",
    );
  }
  const failure = { isRetryable: input.retry, stderrTail: await tailOf(join(folder.path, "stderr")) };
  if (ending === "exited") throw new CommandExitError({ exitCode, signal }, failure);
  throw new CommandLimitError(ending, limitOf(ending, input), failure);
}

async function collect(
  ctx: JobContext,
  input: CommandInput,
  report: Report,
  folder: RunFolder,
  { store, bounds }: Settings,
) {
  const streamed = async (name: string) => {
    const path = join(folder.path, name);
    return { ...(await storeFile(path, store)), tail: await tailOf(path) };
  };
  const artifacts = await storeArtifacts(join(folder.path, "work"), input.artifacts, bounds.artifacts, store);
  ctx.signal.throwIfAborted();
  return {
    duration_ms: report.durationMs,
    memory_peak_bytes: report.memoryPeakBytes,
    processes_peak: report.processesPeak,
    stdout: await streamed("stdout"),
    stderr: await streamed("stderr"),
    artifacts,
  };
}

function limitOf(limit: Limit, input: CommandInput): number {
  const limits = {
    time: input.timeout_ms,
    memory: input.memory_bytes,
    processes: input.processes_max,
    output: input.output_bytes_max,
  };
  return limits[limit];
}
