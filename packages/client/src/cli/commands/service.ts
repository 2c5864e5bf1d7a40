import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { planService, type ServicePlan } from "../../service/service-files.ts";
import { statIfThere, writeDurably } from "../../spool/files.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { homeOf, prepareSending } from "../sending.ts";

type ServiceOptions = HubOptions & { dryRun?: true };

const UNIT_MODE = 0o644;
const COMMAND_LIMIT_MS = 30_000;

/** `wharf service install` and `uninstall` */
export function service(command: Command, io: Io): void {
  withHubOptions(command.command("install").description("Keep a sender running, as a service of this user"))
    .option("--dry-run", "show the file and the commands, and change nothing")
    .action(async function installService(options: ServiceOptions) {
      // Fails before anything is written when this machine cannot send.
      prepareSending(io, await requireProfile(io, options));
      const plan = await planHere(io, options.profile);
      if (plan === null) {
        const message = "Services are installed on Linux and macOS only.";
        throw new CliError(message, EXIT.failed, "UNSUPPORTED_PLATFORM");
      }
      if (options.dryRun) {
        if (options.json) return io.json(plan);
        io.print(`Would write ${plan.file}:\n${plan.content}`);
        for (const words of plan.start) io.print(`Would run: ${words.join(" ")}`);
        return;
      }
      // One that runs would keep its old file.
      await stopService(plan);
      await mkdir(dirname(plan.file), { recursive: true });
      await writeDurably(plan.file, plan.content, UNIT_MODE);
      for (const words of plan.start) await runOrExplain(words, plan.file);
      if (options.json) io.json({ installed: plan.file });
      else io.print(`Installed ${plan.file}. It runs from now on, and whenever you log in.`);
    });
  command
    .command("uninstall")
    .description("Stop the service, and remove it")
    .option("--json", "print JSON")
    .action(async function uninstallService({ json }: { json?: true }) {
      const removed = await removeService(io);
      if (json) io.json({ removed });
      else io.print(removed === null ? "No service is installed." : `Removed ${removed}.`);
    });
}

/** The file of the service; null without one. */
export async function findService(io: Io): Promise<string | null> {
  const plan = await planHere(io, undefined);
  return plan === null || (await statIfThere(plan.file)) === null ? null : plan.file;
}

/** Stops the service, and removes its file. Returns the file; null without a service. */
export async function removeService(io: Io): Promise<string | null> {
  const plan = await planHere(io, undefined);
  if (plan === null || !(await stopService(plan))) return null;
  await rm(plan.file);
  return plan.file;
}

/** False when none is installed. */
async function stopService({ file, stop }: ServicePlan): Promise<boolean> {
  if ((await statIfThere(file)) === null) return false;
  for (const words of stop) await run(words).catch(() => undefined);
  return true;
}

/** Null on a system without services that are known here. */
async function planHere(io: Io, profile: string | undefined): Promise<ServicePlan | null> {
  const home = homeOf(io);
  const shim = join(io.paths.bin, "wharf");
  const isInstalled = (await statIfThere(shim)) !== null;
  const program = isInstalled ? [shim] : process.argv.slice(0, 2);
  const command = [...program, "send", "--stay", ...(profile === undefined ? [] : ["--profile", profile])];
  const configHome = io.environment["XDG_CONFIG_HOME"] || join(home, ".config");
  return planService({ platform: process.platform, home, configHome, command });
}

async function runOrExplain(words: readonly string[], file: string): Promise<void> {
  await run(words).catch((error: Error) => {
    const message = `${words.join(" ")} failed: ${error.message.trim()}. ${file} is written; run that command in a session of this user.`;
    throw new CliError(message, EXIT.failed, "SERVICE_NOT_STARTED");
  });
}

function run([program = "", ...words]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, words, { timeout: COMMAND_LIMIT_MS }, (error, _, stderr) => {
      if (error === null) resolve();
      else reject(new Error(stderr || error.message));
    });
  });
}
