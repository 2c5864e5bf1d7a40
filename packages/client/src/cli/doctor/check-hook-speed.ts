import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeScripts } from "../../hooks/write-scripts.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { describeProblem, isOfMachine } from "../../spool/machine-problem.ts";
import type { Check } from "./check-hub.ts";

const RUNS = 50;
const MEDIAN_WARN_MS = 50;

const NAME = "hook speed";

/** What a hook takes on this machine, in a directory of its own. */
export async function checkHookSpeed(): Promise<Check> {
  try {
    return await measure(await mkdtemp(join(tmpdir(), "wharf-doctor-")));
  } catch (error) {
    if (!isOfMachine(error)) throw error;
    return { name: NAME, status: "fail", detail: "it cannot be measured", fix: describeProblem(error) };
  }
}

async function measure(data: string): Promise<Check> {
  try {
    await writeScripts({ data, command: "true" });
    const { hooks, pid } = dataPaths(data);
    await writeFile(pid, `${process.pid}\n`);
    const times = Array.from({ length: RUNS }, () => timed(join(hooks, "claude-code.sh"))).sort(
      (a, b) => a - b,
    );
    const at = (share: number) => times[Math.ceil(share * RUNS) - 1] ?? 0;
    const detail = `a hook takes ${at(0.5).toFixed(1)} ms (p50), ${at(0.99).toFixed(1)} ms (p99)`;
    const isSlow = at(0.5) > MEDIAN_WARN_MS;
    const fix = isSlow ? "look for a slow disk, a busy machine or a virus scanner" : null;
    return { name: NAME, status: isSlow ? "warn" : "ok", detail, fix };
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

function timed(script: string): number {
  const begin = performance.now();
  spawnSync(script, { input: "{}" });
  return performance.now() - begin;
}
