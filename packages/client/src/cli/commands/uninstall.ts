import { readdir } from "node:fs/promises";
import type { Command } from "commander";
import { readInstallation, removeDirectories, removeProgram } from "../../install/program.ts";
import { removeState } from "../../install/remove-state.ts";
import { openProfiles } from "../../profiles/profiles.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Paths } from "../environment.ts";
import type { Io } from "../io.ts";

type UninstallOptions = { json?: true; dryRun?: true; force?: true };

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
      const files = [...Object.keys(installation?.files ?? {}), ...names.map(profiles.fileOf)];
      if (dryRun) {
        if (json) io.json({ would_remove: files });
        else for (const file of files) io.print(`Would remove ${file}`);
        return;
      }
      if (!force) await requireSent(paths);
      for (const name of names) await profiles.remove(name);
      await removeDirectories([paths.config, profiles.directory]);
      await removeState(paths.data);
      const kept = installation === null ? [] : await removeProgram(paths, installation);
      const removed = files.filter((file) => !kept.includes(file));
      if (json) io.json({ removed, kept });
      else for (const line of describe(removed, kept)) io.print(line);
    });
}

/** Throws CliError when hook files or events wait to be sent. */
async function requireSent({ data }: Paths): Promise<void> {
  const { spool, outbox } = dataPaths(data);
  const waiting = await Promise.all([spool, outbox].map((directory) => readdir(directory).catch(() => [])));
  const files = waiting.flat().length;
  if (files === 0) return;
  const message = `The hub does not have everything yet: ${files} files wait in ${data}. Nothing was removed; --force discards them.`;
  throw new CliError(message, EXIT.failed, "UNSENT");
}

function describe(removed: readonly string[], kept: readonly string[]): string[] {
  return [
    ...removed.map((file) => `Removed ${file}`),
    ...kept.map((file) => `Kept ${file}: it was changed since the installation.`),
    "The hub keeps this device and its sessions; an admin can remove it: wharf devices remove NAME",
  ];
}
