import { realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../cli/environment.ts";
import { gitText, type RunGit } from "../git/run-git.ts";
import type { DataPaths } from "../spool/data-paths.ts";
import { type RepositoryHooks, readRepositoryHooks, readSharedHooks } from "./git-hooks.ts";
import { readGlobalGit } from "./global-git.ts";
import { openInstalled } from "./installed.ts";

export type HookManagement = {
  environment: Environment;
  home: string;
  /** A repository here counts as one of those that were given hooks if it has them, also after the record was lost. */
  cwd: string;
  /** `~/.config`, or XDG_CONFIG_HOME. */
  configHome: string;
  paths: DataPaths;
  /** The `wharf` program that hooks start; `launcher`: its text, where there is none yet. */
  command: { path: string; launcher: string | null };
  run: RunGit;
};

export type RepositoryChange = { directory: string; hooks: RepositoryHooks };
/** `not_repositories`: of the directories that were given. */
export type FoundRepositories = { repositories: RepositoryChange[]; not_repositories: string[] };

/** What the hooks of repositories call. */
export function scriptOf({ paths }: HookManagement): string {
  return join(paths.hooks, "git.sh");
}

/** Of repositories that were given hooks. */
export async function readGivenRepositories(management: HookManagement): Promise<FoundRepositories> {
  const recorded = await openInstalled(management.paths).repositories();
  const { repositories: given, not_repositories } = await readRepositories(management, recorded);
  const { repositories: here } = await readRepositories(management, [management.cwd]);
  const others = here.filter(
    ({ hooks: { directory, hooks } }) =>
      hooks.some(({ state }) => state === "installed" || state === "outdated") &&
      !given.some((one) => one.hooks.directory === directory),
  );
  return { repositories: [...given, ...others], not_repositories };
}

/** Repositories with their submodules. */
export async function readRepositories(
  management: HookManagement,
  directories: readonly string[],
): Promise<FoundRepositories> {
  const { run, home, configHome } = management;
  const script = scriptOf(management);
  const shared = (await readGlobalGit(run, home, configHome)).hooks_path;
  const found = new Map<string, RepositoryHooks>();
  const not_repositories: string[] = [];
  for (const given of directories) {
    const directory = await realpath(given).catch(() => null);
    const hooks = directory === null ? null : await readRepositoryHooks(run, directory, script);
    if (directory !== null && hooks !== null) {
      found.set(directory, hooks);
      for (const module of await submodulesOf(run, directory)) {
        const ofModule = await readRepositoryHooks(run, module, script);
        if (ofModule !== null) found.set(module, ofModule);
      }
    } else if (given === shared) found.set(given, await readSharedHooks(given, script));
    else not_repositories.push(given);
  }
  return {
    repositories: [...found].map(([directory, hooks]) => ({ directory, hooks })),
    not_repositories,
  };
}

/** Those that are checked out, also within others. Each has hooks of its own. */
async function submodulesOf(run: RunGit, directory: string): Promise<string[]> {
  const shown = await gitText(run, directory, ["submodule", "--quiet", "foreach", "--recursive", "pwd"]);
  return (shown ?? "").split("\n").filter((path) => path !== "");
}
