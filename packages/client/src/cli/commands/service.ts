import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { runCommand } from "../../service/run-command.ts";
import { planService, type ServicePlan } from "../../service/service-files.ts";
import { readServiceState, type ServiceState } from "../../service/service-state.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { statIfThere, writeDurably } from "../../spool/files.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { plain, timeOf } from "../output/text.ts";
import { homeOf, prepareSending } from "../sending.ts";

type ServiceOptions = HubOptions & { dryRun?: true };

const UNIT_MODE = 0o644;
const NO_STATE: ServiceState = { pid: null, since: null, log: [] };

/** `wharf service install`, `status` and `uninstall` */
export function service(command: Command, io: Io): void {
  withHubOptions(command.command("install").description("Keep a sender running, as a service of this user"))
    .option("--dry-run", "show the file and the commands, and change nothing")
    .action(async function installService(options: ServiceOptions) {
      // Fails before anything is written when this machine cannot send.
      prepareSending(io, await requireProfile(io, options));
      const plan = await requirePlan(io, options.profile);
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
    .command("status")
    .description("Show whether the service is installed and runs, since when, and its last lines")
    .option("--json", "print JSON")
    .action(({ json }: { json?: true }) => showState(io, json === true));
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

/** Exit code 1 unless it runs. */
async function showState(io: Io, isJson: boolean): Promise<void> {
  const plan = await requirePlan(io);
  const { file, log } = plan;
  const isInstalled = (await statIfThere(file)) !== null;
  const state = isInstalled ? await readServiceState(plan).catch(explainState) : NO_STATE;
  const isRunning = state.pid !== null;
  if (!isRunning) io.outcome.exitCode = EXIT.failed;
  if (isJson) return io.json({ file, is_installed: isInstalled, is_running: isRunning, ...state });
  if (!isInstalled) return io.print("No service is installed. To install one: wharf service install");
  io.print(
    isRunning
      ? `Running as process ${state.pid}, since: ${timeOf(io, state.since)}`
      : "Installed, but not running. To start it: wharf service install",
  );
  io.print(`File: ${file}`);
  io.print([`Log (${log.join(" ")}):`, ...state.log.map((line) => `  ${plain(line)}`)].join("\n"));
}

/** The file of the service; null without one. */
export async function findService(io: Io): Promise<string | null> {
  const plan = await planHere(io);
  return plan === null || (await statIfThere(plan.file)) === null ? null : plan.file;
}

/** Stops the service, and removes its file. Returns the file; null without a service. */
export async function removeService(io: Io): Promise<string | null> {
  const plan = await planHere(io);
  if (plan === null || !(await stopService(plan))) return null;
  await rm(plan.file);
  return plan.file;
}

/** False when none is installed. */
async function stopService({ file, stop }: ServicePlan): Promise<boolean> {
  if ((await statIfThere(file)) === null) return false;
  for (const words of stop) await runCommand(words).catch(() => undefined);
  return true;
}

async function requirePlan(io: Io, profile?: string): Promise<ServicePlan> {
  const plan = await planHere(io, profile);
  if (plan !== null) return plan;
  throw new CliError("Services are installed on Linux and macOS only.", EXIT.failed, "UNSUPPORTED_PLATFORM");
}

/** Null on a system without services that are known here. */
async function planHere(io: Io, profile?: string): Promise<ServicePlan | null> {
  const home = homeOf(io);
  const shim = join(io.paths.bin, "wharf");
  const isInstalled = (await statIfThere(shim)) !== null;
  const program = isInstalled ? [shim] : process.argv.slice(0, 2);
  const command = [...program, "send", "--stay", ...(profile === undefined ? [] : ["--profile", profile])];
  const logFile = dataPaths(io.paths.data).serviceLog;
  const configHome = io.environment["XDG_CONFIG_HOME"] || join(home, ".config");
  return planService({ platform: process.platform, home, configHome, command, logFile });
}

async function runOrExplain(words: readonly string[], file: string): Promise<void> {
  await runCommand(words).catch((error: Error) => {
    const message = `${words.join(" ")} failed: ${error.message.trim()}. ${file} is written; run that command in a session of this user.`;
    throw new CliError(message, EXIT.failed, "SERVICE_NOT_STARTED");
  });
}

function explainState(error: Error): never {
  const message = `The service manager of this user did not answer: ${error.message.trim()}. Run this in a session of this user.`;
  throw new CliError(message, EXIT.failed, "SERVICE_UNKNOWN");
}
