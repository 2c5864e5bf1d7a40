import { constants } from "node:os";
import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dir, "../../..");
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

type Signal = (typeof SIGNALS)[number];
const state: { steps: Set<Bun.Subprocess>; endedBy?: Signal } = { steps: new Set() };

for (const signal of SIGNALS) process.on(signal, () => interrupt(signal));

type StepOptions = { env?: Record<string, string>; cwd?: string; isHeld?: boolean };

/** The exit code of a program. `isHeld`: others run at the same time, so its output is printed at its end. */
export async function runStep(command: string[], options: StepOptions = {}): Promise<number> {
  const interrupted = codeOfInterrupt();
  if (interrupted !== undefined) return interrupted;
  const { env = {}, cwd = ROOT, isHeld = false } = options;
  const output = isHeld ? "pipe" : "inherit";
  const step = Bun.spawn(command, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", output, output],
  });
  state.steps.add(step);
  const held = await Promise.all([step.stdout, step.stderr].map((stream) => new Response(stream).text()));
  const code = await step.exited;
  state.steps.delete(step);
  process.stdout.write(held.join(""));
  return codeOfInterrupt() ?? code;
}

/** The signal may have come to us alone, and not to the whole group. */
function interrupt(signal: Signal): void {
  state.endedBy ??= signal;
  for (const step of state.steps) step.kill(signal);
}

/** 128 + the number of the signal that ended the run; undefined without one. */
export function codeOfInterrupt(): number | undefined {
  return state.endedBy && 128 + constants.signals[state.endedBy];
}
