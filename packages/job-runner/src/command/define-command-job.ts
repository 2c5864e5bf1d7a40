import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineJob, type JobDefinition } from "../engine/define-job.ts";
import type { JobContext } from "../engine/job-context.ts";
import { type ArtifactStore, storeArtifacts, storeFile } from "./artifacts.ts";
import { CommandExitError, CommandLimitError, CommandWorkerError, notRepeated } from "./command-errors.ts";
import {
  COMMAND_BOUNDS,
  type CommandBounds,
  type CommandInput,
  type CommandInputSchema,
  commandInput,
  commandOutput,
} from "./command-input.ts";
import { followOutput } from "./follow-output.ts";
import { createOutputs, type OutputName, type Outputs } from "./outputs.ts";
import { findProcessLimit, type ProcessLimit, processLimitMissing } from "./process-limit.ts";
import { runCommand } from "./run-command.ts";
import {
  createRunFolder,
  MARKER_NAME,
  type RunFolder,
  removeRunFolder,
  sweepRunFolders,
} from "./run-folder.ts";
import type { CommandOrder, Limit, Report } from "./supervisor-messages.ts";
import { tailOf } from "./tail-of.ts";

/** Less than the usual lease, so that a frozen worker's command has ended before another worker starts it again. */
const WORKER_SILENCE_MS = 20_000;
/** The end of stderr in the error of a failed command, within the stored length of an error. */
const STDERR_TAIL_BYTES = 1300;
const LANG = "C.UTF-8";
const MAX_ATTEMPTS = 5;

export type CommandJobOptions = {
  /** Default "command". */
  readonly name?: string;
  /** Default "commands": separate from other jobs, because each one starts processes. */
  readonly queue?: string;
  /** The parent of the run folders (mode 0700, removed afterwards). Must not be shared with other machines. */
  readonly folder: string;
  /** Stores stdout, stderr and the artifacts. */
  readonly store: ArtifactStore;
  /** The PATH of commands. */
  readonly path: string;
  readonly bounds?: Partial<CommandBounds>;
  /** The command is ended when this process does not respond for this time; less than leaseMs. Default 20 s. */
  readonly workerSilenceMs?: number;
  /**
   * Run commands even if the kernel does not limit their number of processes, so that a fork bomb may exhaust the machine.
   * Default: reject them.
   */
  readonly allowUnbounded?: boolean;
  /** How this machine limits processes; for tests. */
  readonly findProcessLimit?: () => ProcessLimit | null;
};

/**
 * A job that runs a command in its own empty workspace, with a clean environment and with limits, and ends it with all its child
 * processes when it exceeds a limit or the job is lost. It is not a sandbox: a command can read what its user can read.
 */
export function defineCommandJob(
  options: CommandJobOptions,
): JobDefinition<CommandInputSchema, typeof commandOutput> {
  const bounds = { ...COMMAND_BOUNDS, ...options.bounds };
  const processLimit = (options.findProcessLimit ?? findProcessLimit)();
  return defineJob({
    name: options.name ?? "command",
    queue: options.queue ?? "commands",
    input: commandInput(bounds),
    output: commandOutput,
    maxAttempts: MAX_ATTEMPTS,
    run: (ctx, input) => runInFolder(ctx, input, { ...options, bounds, processLimit }),
  });
}

type Settings = CommandJobOptions & {
  readonly bounds: CommandBounds;
  readonly processLimit: ProcessLimit | null;
};
type Run = { folder: RunFolder; outputs: Outputs };

async function runInFolder(ctx: JobContext, input: CommandInput, settings: Settings) {
  if (settings.processLimit === null && settings.allowUnbounded !== true) throw processLimitMissing();
  await sweepRunFolders(settings.folder);
  const folder = await createRunFolder(settings.folder, settings.processLimit);
  const outputs = await createOutputs(folder.path);
  try {
    await writeStdin(folder, input.stdin);
    return await runOnce(ctx, input, { folder, outputs }, settings);
  } finally {
    await outputs.close();
    await removeRunFolder(folder.path);
  }
}

/** Only the owner of a file may open it as /dev/stdin. */
async function writeStdin({ path, userId }: RunFolder, text: string): Promise<void> {
  const file = join(path, "stdin");
  await writeFile(file, text, { mode: 0o600 });
  if (userId !== null) await chown(file, userId, userId);
}

/** The command may have run: after an internal error it is repeated only if its job allows retries. */
async function runOnce(ctx: JobContext, input: CommandInput, run: Run, settings: Settings) {
  try {
    const report = await runAndFollow(ctx, orderOf(input, run.folder, settings), run.outputs);
    if (report.leftBehind > 0)
      ctx.logger.error({ processes: report.leftBehind }, "command could not be ended");
    await throwIfFailed(report, input, run.outputs);
    return await collect(ctx, input, report, run, settings);
  } catch (error) {
    if (ctx.signal.aborted || input.retry || error instanceof CommandWorkerError) throw error;
    throw notRepeated(error);
  }
}

/** Copies the command's output to the job's log while it runs, also when it fails. */
async function runAndFollow(ctx: JobContext, order: CommandOrder, outputs: Outputs): Promise<Report> {
  const following = followOutput(outputs, (stream, line) => ctx.log(line, { stream }));
  try {
    return await runCommand(order, ctx.signal);
  } finally {
    await following.stop();
  }
}

function orderOf(input: CommandInput, folder: RunFolder, { path, workerSilenceMs }: Settings): CommandOrder {
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
    userId: folder.userId,
    folder: folder.path,
    silenceMs: workerSilenceMs ?? WORKER_SILENCE_MS,
  };
}

async function throwIfFailed(report: Report, input: CommandInput, outputs: Outputs) {
  const { ending, exitCode, signal } = report;
  if (ending === "exited" && exitCode === 0) return;
  if (ending === "told" || ending === "abandoned") throw new CommandWorkerError();
  const failure = { isRetryable: input.retry, stderrTail: await tailOf(outputs.stderr, STDERR_TAIL_BYTES) };
  if (ending === "exited") throw new CommandExitError({ exitCode, signal }, failure);
  throw new CommandLimitError(ending, limitOf(ending, input), failure);
}

async function collect(
  ctx: JobContext,
  input: CommandInput,
  report: Report,
  { folder, outputs }: Run,
  { store, bounds }: Settings,
) {
  const streamed = async (name: OutputName) => ({
    ...(await storeFile(outputs[name], store)),
    tail: await tailOf(outputs[name]),
  });
  const artifacts = await storeArtifacts(join(folder.path, "work"), {
    patterns: input.artifacts,
    limits: bounds.artifacts,
    store,
    onUnreadable: (path) => ctx.log("warn", "artifact left out: it could not be read", { path }),
  });
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
