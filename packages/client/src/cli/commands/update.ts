import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Command } from "commander";
import manifest from "../../../package.json" with { type: "json" };
import { installProgram, programFiles, readInstallation, sha256 } from "../../install/program.ts";
import { createClient } from "../../sdk/create-client.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";

type UpdateOptions = HubOptions & { check?: true };

/** `wharf update` */
export function update(command: Command, io: Io): void {
  withHubOptions(command)
    .option("--check", "only compare the versions")
    .action(async function updateProgram(options: UpdateOptions) {
      const installation = await readInstallation(io.paths);
      if (installation === null) {
        const message = "This client was not installed by install.sh. In a checkout, run: git pull";
        throw new CliError(message, EXIT.failed, "NOT_INSTALLED");
      }
      const { url } = await requireProfile(io, options);
      const hub = createClient({ url, key: null });
      const offered = await hub.clientVersion();
      const own = sha256(await readFile(programFiles(io.paths).program, "utf8"));
      const isCurrent = own === offered.sha256;
      if (!isCurrent && !options.check) {
        const text = await (await hub.http.send("/client/wharf.js")).text();
        if (sha256(text) !== offered.sha256) {
          const message = `The download from ${url} is damaged. Nothing was changed. Run wharf update again.`;
          throw new CliError(message, EXIT.failed, "CHECKSUM_MISMATCH");
        }
        await installProgram(io.paths, text, installation.runtime);
      }
      if (!options.check) await updateHookScripts(io);
      const status = isCurrent ? "current" : options.check ? "available" : "updated";
      if (options.json)
        io.json({ status, version: manifest.version, offered: offered.version, sha256: offered.sha256 });
      else io.print(describe(status, manifest.version, offered.version, url));
    });
}

/** By the installed program: the one that runs has the scripts of its own version. */
async function updateHookScripts({ paths, environment }: Io): Promise<void> {
  const command = [programFiles(paths).program, "hooks", "rewrite"];
  // Bun runs what the configuration in its directory names.
  await promisify(execFile)(process.execPath, command, { cwd: paths.data, env: environment }).catch(() => {
    const message = "The program is current, but not the scripts that hooks run. Run: wharf hooks rewrite";
    throw new CliError(message, EXIT.failed, "SCRIPTS_NOT_WRITTEN");
  });
}

function describe(
  status: "current" | "available" | "updated",
  from: string,
  to: string,
  url: string,
): string {
  if (status === "current") return `Version ${from} is the one that ${url} offers.`;
  const versions = from === to ? `another build of version ${to}` : `version ${to} (this is ${from})`;
  return status === "updated" ? `Updated to ${versions}.` : `${url} offers ${versions}. Run: wharf update`;
}
