import { openSync } from "node:fs";
import { join } from "node:path";
import { type Admit, captureOutput } from "./capture-output.ts";
import { limitScript } from "./limit-script.ts";
import { asUser, processLimitMissing } from "./process-limit.ts";
import { createProcessTree } from "./process-tree.ts";
import { removeRunFolder } from "./run-folder.ts";
import {
  BEAT,
  BEATS_PER_SILENCE,
  type CommandOrder,
  END,
  type Ending,
  isCommandOrder,
  type Report,
} from "./supervisor-messages.ts";
import { openSystemCalls, type SystemCalls } from "./system-calls.ts";
import { watchLimits } from "./watch-limits.ts";

/**
 * A program: runs one command for a worker and outlives none of it. It ends the command with all that it started when it
 * oversteps a limit, when the worker says so, and when the worker is gone or silent: the kernel closes our channel however
 * the worker ends, so that not even a SIGKILL leaves a command behind.
 */

/** Time to end after SIGTERM, and for a pipeline's last program to write what it still has. */
const GRACE_MS = 300;
/** No process holds a pipe any more, unless one escaped. */
const DRAIN_MAX_MS = 1000;
const GENTLE = new Set<Ending>(["exited", "time", "told", "abandoned"]);

const ending = Promise.withResolvers<Ending>();
const silence = { ms: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined };

// Signals are for the worker, whose end or word is what counts.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => {
  ending.resolve("abandoned");
  if (!isStarted()) process.exit(0);
});
process.on("message", (message: unknown) => {
  if (isCommandOrder(message) && !isStarted()) {
    silence.ms = message.silenceMs;
    void obey(message);
  }
  if (message === END) ending.resolve("told");
  clearTimeout(silence.timer);
  silence.timer = setTimeout(() => ending.resolve("abandoned"), silence.ms);
});

function isStarted(): boolean {
  return silence.ms > 0;
}

async function obey(order: CommandOrder): Promise<void> {
  const showLife = () => process.connected && process.send?.(BEAT);
  const beat = setInterval(showLife, order.silenceMs / BEATS_PER_SILENCE);
  const report = await supervise(order);
  clearInterval(beat);
  clearTimeout(silence.timer);
  // The worker hangs up once it has the report.
  process.on("disconnect", () => process.exit(0));
  if (process.connected) process.send?.(report);
  else {
    await removeRunFolder(order.folder).catch(() => undefined);
    process.exit(0);
  }
}

async function supervise(order: CommandOrder): Promise<Report> {
  const startedMs = performance.now();
  const systemCalls = openSystemCalls();
  systemCalls?.adoptOrphans();
  const output = createOutputLimit(order.limits.outputBytes);
  const { child, drained } = start(order, systemCalls, output.admit);
  const onZombie = (pid: number) => pid !== child.pid && systemCalls?.reap(pid);
  const tree = createProcessTree({
    belowPid: process.pid,
    groupId: child.pid,
    marker: order.marker,
    onZombie,
  });
  const watch = watchLimits(tree, order.limits, ending.resolve);
  const timer = setTimeout(() => ending.resolve("time"), order.limits.timeMs);
  // The limits hold also for what goes on when the command itself has exited.
  const exited = child.exited.then(async (): Promise<Ending> => {
    watch.look();
    await tree.gone(GRACE_MS);
    return "exited";
  });

  const ended = await Promise.race([ending.promise, exited]);
  watch.stop();
  clearTimeout(timer);
  const leftBehind = await tree.end(GENTLE.has(ended) ? GRACE_MS : 0);
  await Promise.race([drained, Bun.sleep(DRAIN_MAX_MS)]);
  return {
    exitCode: child.exitCode,
    signal: child.signalCode === null ? null : `${child.signalCode}`,
    ending: ended === "exited" && output.isExceeded() ? "output" : ended,
    durationMs: Math.round(performance.now() - startedMs),
    memoryPeakBytes: watch.peaks.memoryBytes,
    processesPeak: watch.peaks.processes,
    leftBehind,
  };
}

function start(
  { command, env, limits, folder, userId }: CommandOrder,
  systemCalls: SystemCalls | undefined,
  admit: Admit,
) {
  const stdout = captureOutput(join(folder, "stdout"), { systemCalls, userId, admit });
  const stderr = captureOutput(join(folder, "stderr"), { systemCalls, userId, admit });
  const limited = ["/bin/sh", "-c", limitScript(limits, userId !== null), "sh", ...command];
  const program = userId === null ? limited : asUser(userId, limited);
  if (program === null) throw processLimitMissing();
  const child = Bun.spawn(program, {
    cwd: join(folder, "work"),
    env: { ...env },
    stdio: [openSync(join(folder, "stdin"), "r"), stdout.target, stderr.target],
    detached: true,
  });
  const drained = Promise.all([stdout.drain(streamOf(child.stdout)), stderr.drain(streamOf(child.stderr))]);
  return { child, drained };
}

/** Admits bytes up to the limit, and ends the command with the first that is too many. */
function createOutputLimit(max: number) {
  let left = max;
  let isExceeded = false;

  function admit(bytes: number): number {
    const admitted = Math.min(bytes, left);
    left -= admitted;
    if (admitted < bytes) {
      isExceeded = true;
      ending.resolve("output");
    }
    return admitted;
  }

  return { admit, isExceeded: () => isExceeded };
}

function streamOf(piped: unknown): ReadableStream<Uint8Array> | undefined {
  return piped instanceof ReadableStream ? piped : undefined;
}
