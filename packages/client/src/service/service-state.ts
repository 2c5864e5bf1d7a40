import { runCommand } from "./run-command.ts";
import type { ServicePlan } from "./service-files.ts";

export type ServiceState = {
  /** Of the process; null: none runs. */
  pid: number | null;
  /** When it started, as ISO 8601; null: unknown. */
  since: string | null;
  /** Its last lines. */
  log: string[];
};

/** `MainPID=0` of systemctl: no process. launchctl leaves the line out. */
const PID = /(?:^MainPID=|"PID" = )([1-9]\d*)/m;

/** Of an installed service. Throws what the service manager prints when it cannot answer. */
export async function readServiceState({ show, log }: ServicePlan): Promise<ServiceState> {
  const pid = readPid(await runCommand(show));
  const lines = await runCommand(log).catch(() => "");
  return {
    pid,
    since: pid === null ? null : await startOf(pid),
    log: lines.split("\n").filter((line) => line !== ""),
  };
}

/** From what `show` of a ServicePlan prints. */
export function readPid(shown: string): number | null {
  const [, digits] = PID.exec(shown) ?? [];
  return digits === undefined ? null : Number(digits);
}

async function startOf(pid: number): Promise<string | null> {
  const command = `env TZ=UTC LC_ALL=C ps -o lstart= -p ${pid}`;
  const printed = await runCommand(command.split(" ")).catch(() => "");
  const ms = Date.parse(`${printed.trim()} UTC`);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}
