import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

/** A checkout of Wharf with its dependencies installed: what a benchmark measures. */
export type Checkout = { name: "now" | "before"; root: string };

const OWN_ROOT = resolve(import.meta.dir, "../..");

/** This checkout, and the one that `--against DIRECTORY` names, which is measured in turn with it. */
export function readCheckouts(): { now: Checkout; before: Checkout | null } {
  const { values } = parseArgs({ options: { against: { type: "string" } } });
  const now: Checkout = { name: "now", root: OWN_ROOT };
  const { against } = values;
  return { now, before: against === undefined ? null : { name: "before", root: resolve(against) } };
}

export function serverProgram({ root }: Checkout): string {
  return join(root, "packages/server/src/main.ts");
}

/** The job engine of that checkout. */
export async function engineOf(
  root: string,
): Promise<typeof import("../../packages/job-runner/src/index.ts")> {
  return await import(join(root, "packages/job-runner/src/index.ts"));
}
