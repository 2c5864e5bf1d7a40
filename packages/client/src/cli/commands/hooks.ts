import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { createRunGit } from "../../git/run-git.ts";
import {
  applyHooks,
  applyRemoval,
  type HookChanges,
  planHooks,
  planRemoval,
  readHookStatus,
} from "../../hooks/manage-hooks.ts";
import type { HookManagement } from "../../hooks/read-repositories.ts";
import { quoted } from "../../served/shell.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { statIfThere } from "../../spool/files.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";
import { homeOf } from "../sending.ts";

const NO_AGENT = "No agent was found: none of ~/.claude, ~/.codex and ~/.gemini exists.";

type ChangeOptions = { dryRun?: true; json?: true; global?: true };

/** `wharf hooks install`, `status` and `uninstall` */
export function hooks(command: Command, io: Io): void {
  const changing = (name: string, description: string) =>
    command
      .command(name)
      .argument("[repositories...]", "directories of git repositories")
      .description(description)
      .option("--dry-run", "show the change, and change nothing")
      .option("--json", "print JSON");
  changing(
    "install",
    "Install hooks of the agents of this user, and of git in the repositories that are named",
  )
    .option("--global", "install hooks of git for all repositories of this user, by core.hooksPath")
    .action(async function installHooks(named: string[], { dryRun, json, global }: ChangeOptions) {
      const management = await manageHooks(io);
      const directories = named.map((one) => resolve(one));
      const changes = await planHooks(management, { directories, isGlobal: global === true });
      requireRepositories(changes);
      if (!dryRun) await applyHooks(management, changes);
      reportHooks(io, changes, { isRemoval: false, isDone: !dryRun, isJson: json === true });
      if (!dryRun && !json && changes.settings.length + changes.repositories.length > 0)
        io.print(
          "New sessions and commits are sent from now on. Restart agents that run: they read hooks at start.",
        );
    });
  changing(
    "uninstall",
    "Remove the hooks: all that were installed, or those of the repositories that are named",
  ).action(async function uninstallHooks(named: string[], { dryRun, json }: ChangeOptions) {
    const management = await manageHooks(io);
    const changes = await planRemoval(
      management,
      named.map((one) => resolve(one)),
    );
    if (named.length > 0) requireRepositories(changes);
    if (!dryRun) await applyRemoval(management, changes);
    reportHooks(io, changes, { isRemoval: true, isDone: !dryRun, isJson: json === true });
  });
  command
    .command("status", { isDefault: true })
    .description("Show where hooks are installed")
    .option("--json", "print JSON")
    .action(async function showHooks({ json }: { json?: true }) {
      const status = await readHookStatus(await manageHooks(io));
      if (json) return io.json(status);
      const all = status.all_repositories;
      if (status.agents.length === 0) io.print(NO_AGENT);
      for (const { agent, file, installed } of status.agents)
        io.print(`${agent}\t${installed ? "installed" : "missing"}\t${file}`);
      if (all !== null)
        io.print(`git\t${all.installed ? "installed" : "missing"}\t${all.file}\tall repositories`);
      for (const { directory, hooks: states } of status.repositories) {
        const missing = Object.entries(states).flatMap(([name, state]) =>
          state === "installed" ? [] : [name],
        );
        io.print(
          `git\t${missing.length === 0 ? "installed" : `missing: ${missing.join(", ")}`}\t${directory}`,
        );
      }
    });
}

/** What installing and removing hooks needs to know of this machine. */
export async function manageHooks(io: Io): Promise<HookManagement> {
  const { environment, paths } = io;
  const shim = join(paths.bin, "wharf");
  const isInstalled = (await statIfThere(shim)) !== null;
  const command = isInstalled ? { path: shim, launcher: null } : launcherIn(dataPaths(paths.data).hooks);
  return {
    environment,
    home: homeOf(io),
    cwd: process.cwd(),
    configHome: dirname(paths.config),
    paths: dataPaths(paths.data),
    command,
    run: createRunGit(environment),
  };
}

/** For a client that was not installed, such as one in a checkout. */
function launcherIn(directory: string): { path: string; launcher: string } {
  const [runtime = "", program = ""] = process.argv;
  return {
    path: join(directory, "wharf"),
    launcher: `#!/bin/sh\nexec ${quoted(runtime)} ${quoted(program)} "$@"\n`,
  };
}

function requireRepositories({ not_repositories }: HookChanges): void {
  if (not_repositories.length === 0) return;
  throw new CliError(
    `This is not a git repository: ${not_repositories.join(", ")}.`,
    EXIT.usage,
    "NOT_A_REPOSITORY",
  );
}

type Reported = { isRemoval: boolean; isDone: boolean; isJson: boolean };

/** The changes in lines or as JSON; files that cannot be changed with the reason. */
export function reportHooks(io: Io, changes: HookChanges, reported: Reported): void {
  const { settings, repositories } = changes;
  const { isRemoval, isDone, isJson } = reported;
  if (isJson) {
    const files = settings.map(({ agent, file, before, after, problem }) => ({
      agent,
      file,
      changed: before !== after,
      problem,
    }));
    const places = repositories.map(({ directory, hooks }) => ({
      directory,
      hooks_directory: hooks.directory,
      is_shared: hooks.is_shared,
      refusal: hooks.refusal,
    }));
    io.json({ settings: files, repositories: places, dry_run: !isDone });
    return;
  }
  const [done, planned] = isRemoval
    ? ["Removed the hooks from", "Would remove the hooks from"]
    : ["Added hooks to", "Would add hooks to"];
  const verb = isDone ? done : planned;
  for (const change of settings) describeSettings(io, change, { verb, isDone, isRemoval });
  for (const { directory, hooks } of repositories) {
    if (hooks.refusal !== null) io.warn(`${directory} was not changed: ${hooks.refusal}.`);
    else if (hooks.directory === directory)
      io.print(`${verb} ${directory}, which core.hooksPath names for all repositories.`);
    else {
      const shared = hooks.is_shared ? ` (in ${hooks.directory}, which core.hooksPath names)` : "";
      io.print(`${verb} the git repository ${directory}${shared}.`);
    }
    if (isRemoval) continue;
    const others = hooks.hooks.flatMap(({ name, state }) => (state === "other" ? [name] : []));
    if (others.length > 0 && hooks.refusal === null)
      io.print(`  Hooks that were there are kept, and run by those of wharf: ${others.join(", ")}.`);
  }
  if (settings.length + repositories.length === 0) io.print(isRemoval ? "No hooks are installed." : NO_AGENT);
}

function describeSettings(
  io: Io,
  change: HookChanges["settings"][number],
  { verb, isDone, isRemoval }: { verb: string; isDone: boolean; isRemoval: boolean },
): void {
  const { agent, file, before, after, problem } = change;
  if (problem !== null) io.warn(`${file} was not changed: ${problem}.`);
  else if (before === after) io.print(`${file}: hooks are installed.`);
  else {
    io.print(
      agent === "git" ? `${verb} all git repositories, by core.hooksPath in ${file}.` : `${verb} ${file}.`,
    );
    if (agent === "git" && !isRemoval)
      io.print(
        "  A repository's own hooks run as before. One that sets core.hooksPath itself, as husky does, needs: wharf hooks install DIRECTORY",
      );
    if (isDone) return;
    for (const line of changedLines(before ?? "", after ?? "")) io.print(line);
  }
}

/** Lines between the common beginning and the common end, as a diff shows them. */
function changedLines(before: string, after: string): string[] {
  const [old, changed] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < old.length && start < changed.length && old[start] === changed[start]) start += 1;
  let end = 0;
  while (end < Math.min(old.length, changed.length) - start && old.at(-1 - end) === changed.at(-1 - end))
    end += 1;
  return [
    ...old.slice(start, old.length - end).map((line) => `  - ${line}`),
    ...changed.slice(start, changed.length - end).map((line) => `  + ${line}`),
  ];
}
