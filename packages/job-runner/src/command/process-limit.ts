import { JobRunnerError } from "../contract/errors.ts";

/**
 * How the kernel limits the number of a command's processes: `own-user` runs each command as a user without a name, whose processes
 * are counted exactly; `this-user` counts them with all other processes of this user. The kernel does not count processes of root.
 */
export type ProcessLimit = "own-user" | "this-user";

/** User ids that Debian and systemd never assign permanently. */
const USER_ID_MIN = 61_184;
const USER_IDS = 4_000;
const SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
const LOWERS_OWN_LIMIT = 'ulimit -u "$(ulimit -u)" || ulimit -p "$(ulimit -p)"';

/** The limit that this machine supports; null without one. */
export function findProcessLimit(): ProcessLimit | null {
  if (process.getuid === undefined) return null;
  const probe = process.getuid() === 0 ? asUser(USER_ID_MIN, ["true"]) : ["/bin/sh", "-c", LOWERS_OWN_LIMIT];
  const isThere = probe !== null && Bun.spawnSync(probe, { stdio: ["ignore", "ignore", "ignore"] }).success;
  if (!isThere) return null;
  return process.getuid() === 0 ? "own-user" : "this-user";
}

/** `command` as its own user without any rights; null without setpriv (util-linux). Only root may run it. */
export function asUser(userId: number, command: readonly string[]): string[] | null {
  const setpriv = Bun.which("setpriv", { PATH: SYSTEM_PATH });
  if (setpriv === null) return null;
  return [setpriv, `--reuid=${userId}`, `--regid=${userId}`, "--clear-groups", "--no-new-privs", ...command];
}

/** A user id that no run uses. */
export function freeUserId(taken: ReadonlySet<number>): number {
  const first = Math.floor(Math.random() * USER_IDS);
  for (let n = 0; n < USER_IDS; n += 1) {
    const userId = USER_ID_MIN + ((first + n) % USER_IDS);
    if (!taken.has(userId)) return userId;
  }
  throw new JobRunnerError("COMMAND_USERS_TAKEN", `All ${USER_IDS} user ids for commands are in use.`);
}

export function processLimitMissing(): JobRunnerError {
  return new JobRunnerError(
    "COMMAND_UNBOUNDED",
    "The kernel cannot limit a command's processes on this machine: as root, this requires setpriv (util-linux) and the right to change " +
      "users. Run the worker as another user than root, or allow unbounded commands.",
    { isRetryable: false },
  );
}
