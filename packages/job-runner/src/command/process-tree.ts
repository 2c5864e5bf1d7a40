import { type ProcessEntry, readProcesses, withEnvironment } from "./process-table.ts";

const POLL_MS = 5;
/** A process blocked in the kernel, for example on an unresponsive network disk, cannot be ended, so the wait is limited. */
const KILL_DEADLINE_MS = 5000;

export type ProcessTreeOptions = {
  /** All descendants of this process belong to the tree, but not the process itself. */
  readonly belowPid?: number;
  /** All processes of this group belong to the tree. */
  readonly groupId?: number;
  /** `NAME=value`: all processes with this in their environment belong to the tree. */
  readonly marker: string;
  /** Called for each dead child process of `belowPid`. */
  readonly onZombie?: (pid: number) => void;
};

export type ProcessTree = {
  members(thorough: boolean): ProcessEntry[];
  end(graceMs: number): Promise<number>;
  gone(withinMs: number): Promise<boolean>;
};

/**
 * A command with all its descendants. A process once seen in the tree stays in it, also when its parents end and init adopts
 * it.
 */
export function createProcessTree({ belowPid, groupId, marker, onZombie }: ProcessTreeOptions): ProcessTree {
  const seen = new Map<number, string>();

  /** The living processes. `thorough` also searches for the marker, which reads the environment of every process. */
  function members(thorough: boolean): ProcessEntry[] {
    const entries = readProcesses();
    const marked = thorough ? withEnvironment(entries, marker).map(({ pid }) => pid) : [];
    const known = entries
      .filter((entry) => seen.get(entry.pid) === entry.startedAt || entry.groupId === groupId)
      .map(({ pid }) => pid);
    const found = descendants(entries, [...marked, ...known], belowPid);
    seen.clear();
    for (const { pid, startedAt } of found) seen.set(pid, startedAt);
    for (const { pid, isZombie, parentPid } of found) if (isZombie && parentPid === belowPid) onZombie?.(pid);
    return found.filter(({ isZombie }) => !isZombie);
  }

  /** Sends SIGTERM first if there is a grace period. Returns the number of remaining processes: 0, except for those blocked in the kernel. */
  async function end(graceMs: number): Promise<number> {
    if (graceMs > 0) {
      for (const { pid } of members(true)) {
        send(pid, "SIGTERM");
        // A stopped process reacts only to SIGKILL.
        send(pid, "SIGCONT");
      }
      await gone(graceMs);
    }
    const endMs = performance.now() + KILL_DEADLINE_MS;
    for (;;) {
      const left = members(true);
      if (left.length === 0 || performance.now() > endMs) return left.length;
      kill(left);
      await Bun.sleep(POLL_MS);
    }
  }

  /** True when no process of the tree is alive, false after `withinMs`. */
  async function gone(withinMs: number): Promise<boolean> {
    const endMs = performance.now() + withinMs;
    while (members(false).length > 0) {
      if (performance.now() > endMs) return false;
      await Bun.sleep(POLL_MS);
    }
    return true;
  }

  return { members, end, gone };
}

/**
 * By group, because the kernel signals a group atomically, including new forks: a fork bomb is faster than signals to single
 * processes. Our own group is never among them, because a command runs in its own session.
 */
function kill(entries: readonly ProcessEntry[]) {
  for (const groupId of new Set(entries.map((entry) => entry.groupId)))
    if (groupId > 1) send(-groupId, "SIGKILL");
  for (const { pid } of entries) send(pid, "SIGKILL");
}

function send(pid: number, signal: NodeJS.Signals) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has already ended.
  }
}

function descendants(
  entries: readonly ProcessEntry[],
  roots: readonly number[],
  belowPid: number | undefined,
): ProcessEntry[] {
  const children = Map.groupBy(entries, ({ parentPid }) => parentPid);
  const found = new Set<number>(roots);
  for (const { pid } of (belowPid === undefined ? undefined : children.get(belowPid)) ?? []) found.add(pid);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child.pid);
  return entries.filter(({ pid }) => found.has(pid));
}
