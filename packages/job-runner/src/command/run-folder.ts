import { chmod, chown, lstat, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { JobRunnerError } from "../contract/errors.ts";
import { freeUserId, type ProcessLimit } from "./process-limit.ts";
import { readProcess } from "./process-table.ts";
import { createProcessTree } from "./process-tree.ts";

/** A folder for one run: `work` is the command's workspace, `temp` its TMPDIR; stdin, stdout and stderr are files in it. */
export type RunFolder = {
  readonly path: string;
  /** `NAME=value` in the command's environment, which identifies its processes. */
  readonly marker: string;
  /** The user of the command, who owns `work` and `temp`, if it is not ours. */
  readonly userId: number | null;
};

export const MARKER_NAME = "WHARF_COMMAND_RUN";
const RUN_NAME = /^run-(\d+)-(\d+)-[A-Za-z0-9]+$/;

/** Other users may enter these folders, but not list them. */
const PASSABLE_MODE = 0o711;

/** Creates a folder below `root`. Its name contains the worker's pid and start time. */
export async function createRunFolder(root: string, processLimit: ProcessLimit | null): Promise<RunFolder> {
  const isOwnUser = processLimit === "own-user";
  await prepareRoot(root, isOwnUser ? PASSABLE_MODE : 0o700);
  const userId = isOwnUser ? freeUserId(await usersOfRuns(root)) : null;
  const path = await mkdtemp(join(root, `run-${process.pid}-${startOf(process.pid)}-`));
  if (isOwnUser) await chmod(path, PASSABLE_MODE);
  for (const folder of [join(path, "work"), join(path, "temp")]) {
    await mkdir(folder, { mode: 0o700 });
    if (userId !== null) await chown(folder, userId, userId);
  }
  return { path, marker: markerOf(path), userId };
}

/** A command may have removed the permissions of its own folders. */
export async function removeRunFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await Bun.spawn(["chmod", "-R", "u+rwX", path], { stdio: ["ignore", "ignore", "ignore"] }).exited;
    await rm(path, { recursive: true, force: true });
  }
}

/**
 * Ends and removes the runs below `root` whose worker has ended; returns their number. A folder that cannot be removed stays until
 * the next call. Machines and containers must not share the folder: workers of another one would count as ended.
 */
export async function sweepRunFolders(root: string): Promise<number> {
  const names = await readdir(root).catch(() => []);
  let swept = 0;
  for (const name of names.filter(isStale)) {
    const path = join(root, name);
    await createProcessTree({ marker: markerOf(path) }).end(0);
    swept += await removeRunFolder(path).then(
      () => 1,
      () => 0,
    );
  }
  return swept;
}

function isStale(name: string): boolean {
  const [, pid, startedAt] = RUN_NAME.exec(name) ?? [];
  return pid !== undefined && startOf(Number(pid)) !== startedAt;
}

function markerOf(path: string): string {
  return `${MARKER_NAME}=${path}`;
}

async function usersOfRuns(root: string): Promise<Set<number>> {
  const names = await readdir(root);
  const owners = await Promise.all(names.map((name) => lstat(join(root, name, "work")).catch(() => null)));
  return new Set(owners.flatMap((owner) => (owner === null ? [] : [owner.uid])));
}

function startOf(pid: number): string | undefined {
  const startedAt = readProcess(pid)?.startedAt;
  return startedAt === undefined ? undefined : `${Number(startedAt) || Date.parse(startedAt)}`;
}

/** Other users must neither read the output of commands nor replace the folder. */
async function prepareRoot(root: string, mode: number) {
  await mkdir(root, { recursive: true, mode });
  const found = await lstat(root);
  const isOurs = found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid());
  if (isOurs && (found.mode & 0o077 & ~PASSABLE_MODE) === 0) {
    // Created by an earlier version, or with a stricter umask.
    if ((found.mode & mode) !== mode) await chmod(root, mode);
    return;
  }
  throw new JobRunnerError(
    "COMMAND_FOLDER_UNSAFE",
    "The folder for commands must be a folder of this user in which others can neither read nor write: chmod 700 it, or choose another.",
  );
}
