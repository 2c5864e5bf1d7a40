import { realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../cli/environment.ts";
import type { RunGit } from "../git/run-git.ts";
import type { DataPaths } from "../spool/data-paths.ts";
import { writeDurably } from "../spool/files.ts";
import { agentSettings } from "./agent-hooks.ts";
import {
  applyInstall,
  applyUninstall,
  areHooksInstalled,
  planInstall,
  planUninstall,
  type SettingsChange,
} from "./change-settings.ts";
import {
  type GitHookState,
  installGitHooks,
  type RepositoryHooks,
  readRepositoryHooks,
  uninstallGitHooks,
} from "./git-hooks.ts";
import { openInstalled } from "./installed.ts";
import { areScriptsThere, writeScripts } from "./write-scripts.ts";

export type HookManagement = {
  environment: Environment;
  home: string;
  /** A repository here counts as one of those that were given hooks if it has them, also after the record was lost. */
  cwd: string;
  paths: DataPaths;
  /** The `wharf` program that hooks start; `launcher`: its text, where there is none yet. */
  command: { path: string; launcher: string | null };
  run: RunGit;
};

export type RepositoryChange = { directory: string; hooks: RepositoryHooks };
export type HookChanges = { settings: SettingsChange[]; repositories: RepositoryChange[] };

export type HookStatus = {
  agents: { agent: string; file: string; installed: boolean }[];
  repositories: { directory: string; hooks: Record<string, string>; refusal: string | null }[];
};

const LAUNCHER_MODE = 0o700;
const scriptOf = ({ paths }: HookManagement) => join(paths.hooks, "git.sh");

/** What an installation would change: for the agents of this user, and the repositories at these directories. */
export async function planHooks(
  management: HookManagement,
  directories: readonly string[],
): Promise<HookChanges> {
  const { environment, home, paths } = management;
  const planned = await Promise.all(
    agentSettings(environment, home).map((one) => planInstall(one, paths.hooks)),
  );
  return {
    settings: planned.filter((change) => change !== null),
    repositories: await readRepositories(management, directories),
  };
}

export async function applyHooks(
  management: HookManagement,
  { settings, repositories }: HookChanges,
): Promise<void> {
  const { paths, command } = management;
  const installed = openInstalled(paths);
  await writeScripts({ data: paths.data, command: command.path });
  if (command.launcher !== null) await writeDurably(command.path, command.launcher, LAUNCHER_MODE);
  for (const change of settings) if (change.problem === null) await applyInstall(change, installed);
  for (const { directory, hooks } of repositories) {
    if (hooks.refusal !== null) continue;
    await installed.noteRepository(directory, true);
    await installGitHooks(hooks, scriptOf(management));
  }
}

/** What a removal would change: everything that was installed, or the repositories at these directories only. */
export async function planRemoval(
  management: HookManagement,
  directories: readonly string[],
): Promise<HookChanges> {
  const { environment, home, paths } = management;
  const installed = openInstalled(paths);
  if (directories.length > 0)
    return { settings: [], repositories: await readRepositories(management, directories) };
  const files = new Map(
    agentSettings(environment, home).map(({ agent, file }): [string, string] => [file, agent]),
  );
  for (const file of await installed.settingsFiles()) if (!files.has(file)) files.set(file, "claude-code");
  const planned = await Promise.all([...files].map(([file, agent]) => planUninstall(agent, file, installed)));
  return {
    settings: planned.filter((change) => change !== null).filter(({ before, after }) => after !== before),
    repositories: await readGivenRepositories(management),
  };
}

export async function applyRemoval(
  { paths }: HookManagement,
  { settings, repositories }: HookChanges,
): Promise<void> {
  const installed = openInstalled(paths);
  for (const change of settings) await applyUninstall(change, installed);
  for (const { directory, hooks } of repositories) {
    await uninstallGitHooks(hooks);
    await installed.noteRepository(directory, false);
  }
}

/** Of the agents that are on this machine, and of the repositories that were given hooks. Hooks without their scripts do nothing. */
export async function readHookStatus(management: HookManagement): Promise<HookStatus> {
  const { environment, home, paths } = management;
  const isUsable = await areScriptsThere(paths.hooks);
  const agents: HookStatus["agents"] = [];
  for (const settings of agentSettings(environment, home)) {
    if ((await planInstall(settings, paths.hooks)) === null) continue;
    const { agent, file } = settings;
    const installed = isUsable && (await areHooksInstalled(settings, paths.hooks)) === true;
    agents.push({ agent, file, installed });
  }
  const repositories = await readGivenRepositories(management);
  const stateOf = (state: GitHookState) => (state === "installed" && !isUsable ? "missing" : state);
  return {
    agents,
    repositories: repositories.map(({ directory, hooks: { hooks, refusal } }) => ({
      directory,
      hooks: Object.fromEntries(hooks.map(({ name, state }) => [name, stateOf(state)])),
      refusal,
    })),
  };
}

async function readGivenRepositories(management: HookManagement): Promise<RepositoryChange[]> {
  const recorded = await openInstalled(management.paths).repositories();
  const given = await readRepositories(management, recorded);
  const here = await readRepositories(management, [management.cwd]);
  const others = here.filter(
    ({ hooks: { directory, hooks } }) =>
      hooks.some(({ state }) => state === "installed" || state === "outdated") &&
      !given.some((one) => one.hooks.directory === directory),
  );
  return [...given, ...others];
}

/** Directories that are in no repository, any more, are left out. */
async function readRepositories(
  management: HookManagement,
  directories: readonly string[],
): Promise<RepositoryChange[]> {
  const found = await Promise.all(
    directories.map(async (given) => {
      const directory = await realpath(given).catch(() => null);
      const hooks =
        directory === null
          ? null
          : await readRepositoryHooks(management.run, directory, scriptOf(management));
      return directory === null || hooks === null ? [] : [{ directory, hooks }];
    }),
  );
  return found.flat();
}
