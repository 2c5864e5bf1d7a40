import { proportionalBytes, residentBytes } from "./process-table.ts";
import type { ProcessTree } from "./process-tree.ts";
import type { CommandLimits, Limit } from "./supervisor-messages.ts";

const LOOK_EVERY_MS = 50;
const LOOK_AT_LEAST_EVERY_MS = 500;
/** The share of a core that checks may take, for any number of processes on the machine. */
const LOOK_SHARE_MAX = 0.05;

export type LimitWatch = {
  peaks: {
    memoryBytes: number;
    processes: number;
  };
  look(): void;
  stop(): void;
};

/** Checks the size of the tree regularly, until it exceeds a limit or is stopped. */
export function watchLimits(
  tree: ProcessTree,
  { memoryBytes, processes }: CommandLimits,
  onOverstep: (limit: Limit) => void,
): LimitWatch {
  const peaks = { memoryBytes: 0, processes: 0 };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;

  function look() {
    clearTimeout(timer);
    if (isStopped) return;
    const before = process.cpuUsage();
    const pids = tree.members(false).map(({ pid }) => pid);
    const used = memoryOf(pids, memoryBytes);
    peaks.processes = Math.max(peaks.processes, pids.length);
    peaks.memoryBytes = Math.max(peaks.memoryBytes, used);
    if (pids.length > processes) return onOverstep("processes");
    if (used > memoryBytes) return onOverstep("memory");
    const { user, system } = process.cpuUsage(before);
    const restMs = (user + system) / 1000 / LOOK_SHARE_MAX;
    timer = setTimeout(look, Math.min(Math.max(LOOK_EVERY_MS, restMs), LOOK_AT_LEAST_EVERY_MS));
  }

  function stop() {
    clearTimeout(timer);
    isStopped = true;
  }

  look();
  return { peaks, look, stop };
}

/** Exact only near the limit: below it, shared pages may count more than once. */
function memoryOf(pids: readonly number[], limit: number): number {
  const resident = pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
  return resident <= limit ? resident : pids.reduce((sum, pid) => sum + proportionalBytes(pid), 0);
}
