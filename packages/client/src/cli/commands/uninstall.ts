import type { Command } from "commander";
import { applyRemoval, planRemoval } from "../../hooks/manage-hooks.ts";
import { programFiles, readInstallation, removeDirectories, removeProgram } from "../../install/program.ts";
import { listState, removeState } from "../../install/remove-state.ts";
import { openProfiles } from "../../profiles/profiles.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";
import { reportHooks } from "../output/hook-changes.ts";
import { plural } from "../output/text.ts";
import { manageHooks } from "./hooks.ts";
import { readQueueStatus } from "./queue.ts";
import { findService, removeService } from "./service.ts";

type UninstallOptions = { json?: true; dryRun?: true; force?: true };

const STOP_POLL_MS = 50;
const STOP_TRIES = 100;

/** `wharf uninstall` */
export function uninstall(command: Command, io: Io): void {
  command
    .option("--dry-run", "show what would be removed, and change nothing")
    .option("--force", "also discard what the hub does not have yet")
    .option("--json", "print JSON")
    .action(async function uninstallHere({ json, dryRun, force }: UninstallOptions) {
      const { paths } = io;
      const installation = await readInstallation(paths);
      const profiles = openProfiles(paths.config);
      const names = (await profiles.list()).map(({ name }) => name);
      if (installation === null && names.length === 0)
        throw new CliError("Nothing is installed for this user.", EXIT.failed, "NOT_INSTALLED");
      if (!force) await requireSent(io);
      const management = await manageHooks(io);
      const changes = await planRemoval(management, []);
      const hooks = changes.settings.map(({ file }) => file);
      const repositories = changes.repositories.map(({ directory }) => directory);
      const service = await findService(io);
      const files = [
        ...(service === null ? [] : [service]),
        ...Object.keys(installation?.files ?? {}),
        ...(installation === null ? [] : [programFiles(paths).record]),
        ...names.map(profiles.fileOf),
        ...(await listState(paths.data)),
      ];
      if (dryRun) {
        if (json) return io.json({ would_remove: files, hooks, repositories });
        reportHooks(io, changes, { isRemoval: true, isDone: false, isJson: false });
        for (const file of files) io.print(`Would remove ${file}`);
        return;
      }
      await applyRemoval(management, changes);
      if (!json) reportHooks(io, changes, { isRemoval: true, isDone: true, isJson: false });
      await removeService(io);
      await stopSender(io);
      for (const name of names) await profiles.remove(name);
      await removeDirectories([paths.config, profiles.directory]);
      await removeState(paths.data);
      const kept = installation === null ? [] : await removeProgram(paths, installation);
      const removed = files.filter((file) => !kept.includes(file));
      if (json) io.json({ removed, kept, hooks, repositories });
      else for (const line of describe(removed, kept)) io.print(line);
    });
}

/** Throws CliError when hooks or events wait to be sent. */
async function requireSent(io: Io): Promise<void> {
  const { spool_files, events } = await readQueueStatus(io);
  if (spool_files + events === 0) return;
  const unsent = [
    ...(spool_files > 0 ? [plural(spool_files, "hook")] : []),
    ...(events > 0 ? [plural(events, "event")] : []),
  ];
  const message = `${unsent.join(" and ")} of this machine ${spool_files + events === 1 ? "is" : "are"} not sent to the hub yet. Nothing was removed. Run: wharf queue drain   (--force discards them)`;
  throw new CliError(message, EXIT.failed, "UNSENT");
}

/** It would write its state again. */
async function stopSender(io: Io): Promise<void> {
  for (let tries = 0; tries < STOP_TRIES; tries++) {
    const { sender_pid } = await readQueueStatus(io);
    if (sender_pid === null) return;
    if (tries === 0) process.kill(sender_pid, "SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
  }
}

function describe(removed: readonly string[], kept: readonly string[]): string[] {
  return [
    ...removed.map((file) => `Removed ${file}`),
    ...kept.map((file) => `Kept ${file}: it was changed since the installation.`),
    "The hub keeps this device and its sessions; an admin can remove it: wharf devices remove NAME",
  ];
}
