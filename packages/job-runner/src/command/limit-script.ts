import { availableParallelism } from "node:os";
import { readProcesses } from "./process-table.ts";
import type { CommandLimits } from "./supervisor-messages.ts";

/** Above the limits of the supervisor, so that these apply first. */
const DATA_HEADROOM_BYTES = 2 * 1024 ** 3;
const FILE_BYTES_MAX = 4 * 1024 ** 3;
const CPU_HEADROOM_S = 10;
/** The kernel counts threads. */
const THREADS_PER_PROCESS = 16;
/** For other processes that this user starts in the meantime, also in other containers. */
const THREADS_HEADROOM = 1024;

/**
 * A shell script that sets limits of the kernel and then executes the command. They apply to each process and are wide: they stop
 * a process that grows quickly between two checks of the supervisor. A limit that cannot be set is skipped.
 */
export function limitScript({ timeMs, memoryBytes, processes }: CommandLimits, isOwnUser: boolean): string {
  const cpuSeconds = Math.ceil(timeMs / 1000) * availableParallelism() + CPU_HEADROOM_S;
  const dataKib = Math.ceil((memoryBytes + DATA_HEADROOM_BYTES) / 1024);
  const threadsMax = processes * THREADS_PER_PROCESS + (isOwnUser ? 0 : threadsOfOthers() + THREADS_HEADROOM);
  return [
    // When memory runs out, the kernel ends a command before the server and the database.
    "echo 1000 > /proc/self/oom_score_adj",
    "ulimit -c 0",
    `ulimit -t ${cpuSeconds}`,
    `ulimit -d ${dataKib}`,
    `ulimit -f ${FILE_BYTES_MAX / 512}`,
    // bash calls it -u, dash -p.
    `ulimit -u ${threadsMax} || ulimit -p ${threadsMax}`,
  ]
    .map((line) => `{ ${line}; } 2>/dev/null`)
    .concat('exec "$@"')
    .join("\n");
}

function threadsOfOthers(): number {
  return readProcesses().reduce((sum, entry) => sum + entry.threads, 0);
}
