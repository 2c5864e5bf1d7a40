import type { DataPaths } from "../spool/data-paths.ts";
import { removeFile, statIfThere, writeDurably } from "../spool/files.ts";
import { agentOf, agentSettings, formatOf } from "./agent-hooks.ts";
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
  globalHooksIn,
  installGitHooks,
  readSharedHooks,
  uninstallGitHooks,
} from "./git-hooks.ts";
import { planGlobalInstall, readGlobalGit, withoutGlobalHooks, writeGlobalHooks } from "./global-git.ts";
import { openInstalled } from "./installed.ts";
import {
  type FoundRepositories,
  type HookManagement,
  readGivenRepositories,
  readRepositories,
  scriptOf,
} from "./read-repositories.ts";
import { areScriptsThere, writeScripts } from "./write-scripts.ts";

export type HookChanges = FoundRepositories & { settings: SettingsChange[] };
export type HookPlaces = { directories: readonly string[]; isGlobal: boolean };

export type HookStatus = {
  agents: { agent: string; file: string; installed: boolean }[];
  repositories: { directory: string; hooks: Record<string, string>; refusal: string | null }[];
  /** Of all repositories, by core.hooksPath in `file`; null: they were not installed. */
  all_repositories: { file: string; installed: boolean } | null;
};

const LAUNCHER_MODE = 0o700;

/**
 * What an installation would change: for the agents of this user, the repositories at these directories with their submodules, and all
 * repositories. Where this user has a directory with hooks of all repositories already, ours are added there, and run those.
 */
export async function planHooks(
  management: HookManagement,
  { directories, isGlobal }: HookPlaces,
): Promise<HookChanges> {
  const { environment, home, paths } = management;
  const planned = await Promise.all(
    agentSettings(environment, home).map((one) => planInstall(one, paths.hooks)),
  );
  const changes: HookChanges = {
    settings: planned.filter((change) => change !== null),
    ...(await readRepositories(management, directories)),
  };
  if (!isGlobal) return changes;
  const global = await readGlobalGit(management.run, home, management.configHome);
  if (global.hooks_path === null || global.hooks_path === globalHooksIn(paths.hooks))
    changes.settings.push(await planGlobalInstall(management.run, global, paths));
  else
    changes.repositories.push({
      directory: global.hooks_path,
      hooks: await readSharedHooks(global.hooks_path, scriptOf(management)),
    });
  return changes;
}

export async function applyHooks(
  management: HookManagement,
  { settings, repositories }: HookChanges,
): Promise<void> {
  const { paths, command } = management;
  const installed = openInstalled(paths);
  await writeScripts({ data: paths.data, command: command.path });
  if (command.launcher !== null) await writeDurably(command.path, command.launcher, LAUNCHER_MODE);
  for (const change of settings) {
    if (change.agent === "git") await writeGlobalHooks(paths, scriptOf(management));
    if (change.problem !== null) continue;
    await applyInstall(change, installed);
    await forgetRuns(change, paths);
  }
  for (const { directory, hooks } of repositories) {
    if (hooks.refusal !== null) continue;
    await installed.noteRepository(directory, true);
    await installGitHooks(hooks, scriptOf(management));
  }
}

/** Writes the scripts of installed hooks as this program has them. Settings and repositories stay as they are. */
export async function rewriteScripts(management: HookManagement): Promise<void> {
  const { paths, command } = management;
  if ((await statIfThere(paths.hooks)) === null) return;
  await writeScripts({ data: paths.data, command: command.path });
  if ((await statIfThere(globalHooksIn(paths.hooks))) !== null)
    await writeGlobalHooks(paths, scriptOf(management));
}

/** What a removal would change: everything that was installed, or the repositories at these directories only. */
export async function planRemoval(
  management: HookManagement,
  directories: readonly string[],
): Promise<HookChanges> {
  const { environment, home, paths, run } = management;
  const installed = openInstalled(paths);
  if (directories.length > 0) return { settings: [], ...(await readRepositories(management, directories)) };
  const files = new Map(
    agentSettings(environment, home).map(({ agent, file }): [string, string] => [file, agent]),
  );
  for (const file of await installed.settingsFiles()) if (!files.has(file)) files.set(file, agentOf(file));
  const withoutGlobal = (text: string) => withoutGlobalHooks(run, text, paths);
  const planned = await Promise.all(
    [...files].map(([file, agent]) => planUninstall(agent, file, installed, withoutGlobal)),
  );
  return {
    settings: planned.filter((change) => change !== null).filter(({ before, after }) => after !== before),
    ...(await readGivenRepositories(management)),
  };
}

export async function applyRemoval(
  { paths }: HookManagement,
  { settings, repositories }: HookChanges,
): Promise<void> {
  const installed = openInstalled(paths);
  for (const change of settings) {
    await applyUninstall(change, installed);
    await forgetRuns(change, paths);
  }
  for (const { directory, hooks } of repositories) {
    await uninstallGitHooks(hooks);
    await installed.noteRepository(directory, false);
  }
}

/** Whether Codex runs the changed hooks is not known yet: new ones it runs once its user has trusted them. */
async function forgetRuns({ agent }: SettingsChange, { codexHooks }: DataPaths): Promise<void> {
  if (agent === "codex") await removeFile(codexHooks);
}

/** Of the agents that are on this machine, and of the repositories that were given hooks. Hooks without their scripts do nothing. */
export async function readHookStatus(management: HookManagement): Promise<HookStatus> {
  const { environment, home, paths, run } = management;
  const installed = openInstalled(paths);
  const isUsable = await areScriptsThere(paths.hooks);
  const agents: HookStatus["agents"] = [];
  for (const settings of agentSettings(environment, home)) {
    if ((await planInstall(settings, paths.hooks)) === null) continue;
    const { agent, file } = settings;
    const installed = isUsable && (await areHooksInstalled(settings, paths.hooks)) === true;
    agents.push({ agent, file, installed });
  }
  const { repositories } = await readGivenRepositories(management);
  const global = await readGlobalGit(run, home, management.configHome);
  const isGlobal = global.hooks_path === globalHooksIn(paths.hooks);
  const wasGlobal = (await installed.settingsFiles()).some((file) => formatOf(file) === "git");
  const stateOf = (state: GitHookState) => (state === "installed" && !isUsable ? "missing" : state);
  return {
    all_repositories: isGlobal || wasGlobal ? { file: global.file, installed: isGlobal } : null,
    agents,
    repositories: repositories.map(({ directory, hooks: { hooks, refusal } }) => ({
      directory,
      hooks: Object.fromEntries(hooks.map(({ name, state }) => [name, stateOf(state)])),
      refusal,
    })),
  };
}
