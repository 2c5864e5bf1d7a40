import { type ProcessEntry, readProcesses, withEnvironment } from "./process-table.ts";

const POLL_MS = 5;
/** A process that the kernel holds, as on a dead network disk, ends with it: there is no more to do than to wait. */
const KILL_DEADLINE_MS = 5000;

export type ProcessTreeOptions = {
  /** All below this process belong to the tree, itself not. */
  readonly belowPid?: number;
  /** All of this process group belong to the tree. */
  readonly groupId?: number;
  /** `NAME=value`: all that were started with this in their environment belong to the tree, wherever they are. */
  readonly marker: string;
  /** Called for each dead process found directly below `belowPid`. */
  readonly onZombie?: (pid: number) => void;
};

export type ProcessTree = {
  members(thorough: boolean): ProcessEntry[];
  end(graceMs: number): Promise<number>;
  gone(withinMs: number): Promise<boolean>;
};

/**
 * A command with all that it started. Who was seen in the tree once belongs to it for good, also when its parents end and it
 * is handed to init.
 */
export function createProcessTree({ belowPid, groupId, marker, onZombie }: ProcessTreeOptions): ProcessTree {
  const seen = new Map<number, string>();

  /** Those alive now. `thorough` looks for the marker too, which reads the environment of every process. */
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

  /** Politely first when there is a grace period. Answers how many are left, which is 0 but for what the kernel holds. */
  async function end(graceMs: number): Promise<number> {
    if (graceMs > 0) {
      for (const { pid } of members(true)) {
        send(pid, "SIGTERM");
        // A stopped process takes no other signal but SIGKILL.
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

  /** True once nobody of the tree is alive, false when `withinMs` has passed before. */
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
 * By groups, as the kernel signals a group at once, and lets no fork in it get away: a fork bomb outruns anyone who kills it
 * one by one. No group of ours can be among them, since a command runs in a session of its own.
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
    // It has ended by itself.
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
