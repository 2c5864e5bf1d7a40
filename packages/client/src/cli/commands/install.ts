import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { delimiter } from "node:path";
import type { Command } from "commander";
import { applyHooks, planHooks } from "../../hooks/manage-hooks.ts";
import {
  installProgram,
  isForeignShim,
  makeDirectories,
  programFiles,
  removeDirectories,
} from "../../install/program.ts";
import { openProfiles } from "../../profiles/profiles.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";
import { reportHooks } from "../output/hook-changes.ts";
import { reportMachine } from "../sending.ts";
import { type ConnectOptions, connectTo, reportConnection } from "./connect.ts";
import { manageHooks } from "./hooks.ts";

type InstallOptions = Pick<ConnectOptions, "name" | "profile" | "insecureHttp" | "replace"> & {
  hub: string;
  runtime: string;
  /** False with --no-hooks. */
  hooks: boolean;
  dryRun?: true;
};

/** `wharf install`: what install.sh hands over to. Not listed in the help: there is nothing to install from an installed client. */
export function install(command: Command, io: Io): void {
  command
    .argument("[code]", "an enrolment code")
    .requiredOption("--hub <url>", "the hub that this program was downloaded from")
    .requiredOption("--runtime <path>", "Bun or Node, which runs this program")
    .option("--name <name>", "name of this device; by default its host name")
    .option("--profile <name>", "name of the hub on this machine; by default its host")
    .option("--insecure-http", "allow plain HTTP to another machine")
    .option("--replace", "enrol as a new device, although this machine is connected")
    .option("--no-hooks", "install no hooks, and send no transcripts")
    .option("--dry-run", "show what would be written, and change nothing")
    .action(async function installHere(code: string | undefined, options: InstallOptions) {
      const files = programFiles(io.paths);
      if (options.dryRun) return await showPlan(io, options);
      if (await isForeignShim(io.paths)) {
        const message = `${files.shim} exists and was not written by Wharf. Move it away, then run this again.`;
        throw new CliError(message, EXIT.failed, "SHIM_EXISTS");
      }
      // Connected first: a wrong code leaves nothing behind.
      const made = await makeDirectories(io.paths);
      const connected = await connectTo(io, options.hub, code, options).catch(async (error: unknown) => {
        await removeDirectories([...made, openProfiles(io.paths.config).directory]);
        throw error;
      });
      await installProgram(io.paths, await readFile(ownPath(), "utf8"), options.runtime, made);
      reportConnection(io, connected, {});
      io.print(`Installed ${files.shim}.`);
      if (options.hooks) await beginCapture(io, options.runtime);
      await reportMachine(io, connected.profile);
      if (!isOnPath(io)) io.print(`Add it to your PATH: export PATH="${io.paths.bin}:$PATH"`);
      io.print("Next: wharf status");
    });
}

async function showPlan(io: Io, { hub, hooks }: InstallOptions): Promise<void> {
  const { program, manifest, shim } = programFiles(io.paths);
  io.print(`Would write ${program}, ${manifest} and ${shim}.`);
  io.print(`Would connect to ${hub} and write a profile with keys in ${io.paths.config}.`);
  if (!hooks) return;
  const changes = await planHooks(await manageHooks(io), { directories: [], isGlobal: false });
  reportHooks(io, changes, { isRemoval: false, isDone: false, isJson: false });
  io.print("Would then send the transcripts that are on this machine, newest first.");
}

/** Hooks of the agents that are here, and the first backfill, in a process of its own. */
async function beginCapture(io: Io, runtime: string): Promise<void> {
  const management = await manageHooks(io);
  const changes = await planHooks(management, { directories: [], isGlobal: false });
  await applyHooks(management, changes);
  reportHooks(io, changes, { isRemoval: false, isDone: true, isJson: false });
  const { program } = programFiles(io.paths);
  spawn(runtime, [program, "backfill"], { cwd: io.paths.data, detached: true, stdio: "ignore" }).unref();
  io.print("Sending the transcripts of this machine in the background; wharf backfill shows the progress.");
  io.print(
    "Hooks of git: wharf hooks install DIRECTORY, or wharf hooks install --global for all repositories",
  );
}

/** wharf.js, which runs. */
function ownPath(): string {
  const [, path] = process.argv;
  if (path === undefined) throw new Error("The path of the program is unknown.");
  return path;
}

function isOnPath({ environment, paths }: Io): boolean {
  return (environment["PATH"] ?? "").split(delimiter).includes(paths.bin);
}
