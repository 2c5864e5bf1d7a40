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
 * A program that runs one command for a worker. It ends the command with all its descendants when it exceeds a limit, on request
 * of the worker, and when the worker ends or does not respond: the kernel closes the channel for any end of the worker, so that
 * not even a SIGKILL of the worker leaves a command running.
 */

/** Time to end after SIGTERM, and for the last program of a pipeline to write its remaining output. */
const GRACE_MS = 300;
/** Time to wait for open pipes, which only escaped processes hold. */
const DRAIN_MAX_MS = 1000;
const GENTLE = new Set<Ending>(["exited", "time", "told", "abandoned"]);

const ending = Promise.withResolvers<Ending>();
const silence = { ms: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined };

// Signals are meant for the worker; its end or its request counts.
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
  // The worker closes the channel when it has the report.
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
  // The limits also apply to processes that remain after the command has exited.
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

/** Admits bytes up to the limit, and ends the command at the first byte beyond it. */
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
