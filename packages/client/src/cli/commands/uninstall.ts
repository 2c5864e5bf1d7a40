import type { Command } from "commander";
import { readInstallation, removeDirectories, removeProgram } from "../../install/program.ts";
import { openProfiles } from "../../profiles/profiles.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";

type UninstallOptions = { json?: true; dryRun?: true };

/** `wharf uninstall` */
export function uninstall(command: Command, io: Io): void {
  command
    .option("--dry-run", "show what would be removed, and change nothing")
    .option("--json", "print JSON")
    .action(async function uninstallHere({ json, dryRun }: UninstallOptions) {
      const installation = await readInstallation(io.paths);
      const profiles = openProfiles(io.paths.config);
      const names = (await profiles.list()).map(({ name }) => name);
      if (installation === null && names.length === 0)
        throw new CliError("Nothing is installed for this user.", EXIT.failed, "NOT_INSTALLED");
      const files = [...Object.keys(installation?.files ?? {}), ...names.map(profiles.fileOf)];
      if (dryRun) {
        if (json) io.json({ would_remove: files });
        else for (const file of files) io.print(`Would remove ${file}`);
        return;
      }
      for (const name of names) await profiles.remove(name);
      await removeDirectories([io.paths.config, profiles.directory]);
      const kept = installation === null ? [] : await removeProgram(io.paths, installation);
      const removed = files.filter((file) => !kept.includes(file));
      if (json) {
        io.json({ removed, kept });
        return;
      }
      for (const file of removed) io.print(`Removed ${file}`);
      for (const file of kept) io.print(`Kept ${file}: it was changed since the installation.`);
      io.print(
        "The hub keeps this device and its sessions; an admin can remove it: wharf devices remove NAME",
      );
    });
}
