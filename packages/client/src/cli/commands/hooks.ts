import { join, resolve } from "node:path";
import type { Command } from "commander";
import { createRunGit } from "../../git/run-git.ts";
import {
  applyHooks,
  applyRemoval,
  type HookChanges,
  type HookManagement,
  planHooks,
  planRemoval,
  readHookStatus,
} from "../../hooks/manage-hooks.ts";
import { quoted } from "../../served/shell.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { statIfThere } from "../../spool/files.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";
import { homeOf } from "../sending.ts";

const NO_AGENT = "No agent was found: none of ~/.claude, ~/.codex and ~/.gemini exists.";

type ChangeOptions = { dryRun?: true; json?: true };

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
  ).action(async function installHooks(named: string[], { dryRun, json }: ChangeOptions) {
    const management = await manageHooks(io);
    const changes = await planHooks(
      management,
      named.map((one) => resolve(one)),
    );
    requireRepositories(changes, named);
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
    requireRepositories(changes, named);
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
      if (status.agents.length === 0) io.print(NO_AGENT);
      for (const { agent, file, installed } of status.agents)
        io.print(`${agent}\t${installed ? "installed" : "missing"}\t${file}`);
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

function requireRepositories({ repositories }: HookChanges, named: readonly string[]): void {
  if (repositories.length === named.length || named.length === 0) return;
  throw new CliError(
    `One of these is not a git repository: ${named.join(", ")}.`,
    EXIT.usage,
    "NOT_A_REPOSITORY",
  );
}

type Reported = { isRemoval: boolean; isDone: boolean; isJson: boolean };

/** The changes in lines or as JSON; files that cannot be changed with the reason. */
export function reportHooks(
  io: Io,
  { settings, repositories }: HookChanges,
  { isRemoval, isDone, isJson }: Reported,
): void {
  if (isJson) {
    const files = settings.map(({ agent, file, before, after, problem }) => ({
      agent,
      file,
      changed: before !== after,
      problem,
    }));
    const places = repositories.map(({ directory, hooks: { refusal } }) => ({ directory, refusal }));
    io.json({ settings: files, repositories: places, dry_run: !isDone });
    return;
  }
  const [done, planned] = isRemoval
    ? ["Removed the hooks from", "Would remove the hooks from"]
    : ["Added hooks to", "Would add hooks to"];
  const verb = isDone ? done : planned;
  for (const { file, before, after, problem } of settings) {
    if (problem !== null) io.warn(`${file} was not changed: ${problem}.`);
    else if (before === after) io.print(`${file}: hooks are installed.`);
    else {
      io.print(`${verb} ${file}.`);
      if (isDone) continue;
      for (const line of changedLines(before ?? "", after ?? "")) io.print(line);
    }
  }
  for (const {
    directory,
    hooks: { refusal },
  } of repositories) {
    if (refusal !== null) io.warn(`${directory} was not changed: ${refusal}.`);
    else io.print(`${verb} the git repository ${directory}.`);
  }
  if (settings.length + repositories.length === 0) io.print(isRemoval ? "No hooks are installed." : NO_AGENT);
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
