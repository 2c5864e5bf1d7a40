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
  rewriteScripts,
} from "../../hooks/manage-hooks.ts";
import type { HookManagement } from "../../hooks/read-repositories.ts";
import { quoted } from "../../served/shell.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { statIfThere } from "../../spool/files.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";
import { NO_AGENT, reportHooks } from "../output/hook-changes.ts";
import { homeOf } from "../sending.ts";

type ChangeOptions = { dryRun?: true; json?: true; global?: true };

/** `wharf hooks install`, `status`, `rewrite` and `uninstall` */
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
      const isDone = io.outcome.exitCode === EXIT.ok && !dryRun;
      if (isDone && !json && changes.settings.length + changes.repositories.length > 0)
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
    .command("rewrite")
    .description("Write the scripts that installed hooks run as this version has them, as wharf update does")
    .action(async () => rewriteScripts(await manageHooks(io)));
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
