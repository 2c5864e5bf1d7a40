import { lstat, mkdir, rename, rm } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { gitText, type RunGit } from "../git/run-git.ts";
import { nullIfMissing, readIfThere, writeDurably } from "../spool/files.ts";
import { BEFORE_SUFFIX, GIT_HOOKS, type GitHook, gitHookText, isOurGitHook } from "./git-hook-text.ts";

/** `chained`: another hook is there, which ours will run. */
export type GitHookState = "missing" | "installed" | "outdated" | "other";
export type RepositoryHooks = {
  /** Where git looks for hooks of this repository. */
  directory: string;
  hooks: { name: GitHook; path: string; state: GitHookState }[];
  /** core.hooksPath names the directory, and other repositories may have it, too. */
  is_shared: boolean;
  /** Why nothing may be written there; null when it may. */
  refusal: string | null;
};

const PROGRAM_MODE = 0o755;

/** Of all repositories, next to the scripts. */
export function globalHooksIn(scripts: string): string {
  return join(scripts, "git");
}

/** Null for a directory that is in no repository. */
export async function readRepositoryHooks(
  run: RunGit,
  cwd: string,
  script: string,
): Promise<RepositoryHooks | null> {
  const shown = await gitText(run, cwd, ["rev-parse", "--git-path", "hooks", "--git-common-dir"]);
  if (shown === null) return null;
  const [hooks_path = "", common = ""] = shown.split("\n");
  const own = join(resolve(cwd, common), "hooks");
  // Ours of all repositories run those of the repository.
  const isGlobal = resolve(cwd, hooks_path) === globalHooksIn(dirname(script));
  const directory = isGlobal ? own : resolve(cwd, hooks_path);
  const is_shared = directory !== own;
  return {
    ...(await readHooksIn(directory, script)),
    is_shared,
    refusal: await refusalOf(run, cwd, directory),
  };
}

/** Of a directory that core.hooksPath names. */
export async function readSharedHooks(directory: string, script: string): Promise<RepositoryHooks> {
  return { ...(await readHooksIn(directory, script)), is_shared: true, refusal: null };
}

async function readHooksIn(
  directory: string,
  script: string,
): Promise<Pick<RepositoryHooks, "directory" | "hooks">> {
  const hooks: RepositoryHooks["hooks"] = [];
  for (const name of GIT_HOOKS) {
    const path = join(directory, name);
    hooks.push({ name, path, state: await stateOf(path, gitHookText(name, script)) });
  }
  return { directory, hooks };
}

async function stateOf(path: string, wanted: string): Promise<GitHookState> {
  const text = (await readIfThere(path))?.toString("utf8");
  if (text === wanted) return "installed";
  if (text !== undefined) return isOurGitHook(text) ? "outdated" : "other";
  return (await lstat(path).catch(nullIfMissing)) === null ? "missing" : "other";
}

/** Hooks that are files of the repository itself, as of older versions of husky, are not ours to change. */
async function refusalOf(run: RunGit, cwd: string, directory: string): Promise<string | null> {
  const top = await gitText(run, cwd, ["rev-parse", "--show-toplevel"]);
  if (top === null) return null;
  const inside = relative(top, directory);
  if (inside.startsWith("..") || isAbsolute(inside) || inside.split("/")[0] === ".git") return null;
  const isIgnored = (await run(cwd, ["check-ignore", "-q", join(directory, "post-commit")])) !== null;
  return isIgnored ? null : `its hooks in ${inside}/ are files of the repository`;
}

/** Writes what is missing or outdated. A hook of others is renamed, and run by ours. */
export async function installGitHooks(
  { directory, hooks, refusal }: RepositoryHooks,
  script: string,
): Promise<void> {
  if (refusal !== null) return;
  await mkdir(directory, { recursive: true });
  for (const { name, path, state } of hooks) {
    if (state === "installed") continue;
    if (state === "other") await rename(path, `${path}${BEFORE_SUFFIX}`);
    await writeDurably(path, gitHookText(name, script), PROGRAM_MODE);
  }
}

/** Removes our hooks; those that were there before have their place again, as they were. */
export async function uninstallGitHooks({ hooks }: RepositoryHooks): Promise<void> {
  for (const { path, state } of hooks) {
    const before = `${path}${BEFORE_SUFFIX}`;
    const isKept = (await lstat(before).catch(nullIfMissing)) !== null;
    if (state === "installed" || state === "outdated") await rm(path);
    if (!isKept) continue;
    if (state === "other") await rm(before);
    else await rename(before, path);
  }
}
