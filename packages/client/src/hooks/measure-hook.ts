import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataPaths } from "../spool/data-paths.ts";
import { writeScripts } from "./write-scripts.ts";

const RUNS = 50;

export type HookTime = { runs: number; median_ms: number; p99_ms: number };

/** What a hook takes on this machine, measured in a directory of its own. Throws what the file system throws. */
export async function measureHook(): Promise<HookTime> {
  const data = await mkdtemp(join(tmpdir(), "wharf-hook-"));
  try {
    await writeScripts({ data, command: "true" });
    const { hooks, pid } = dataPaths(data);
    await writeFile(pid, `${process.pid}\n`);
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) times.push(await timed(join(hooks, "claude-code.sh")));
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.ceil(share * RUNS) - 1] ?? 0;
    return { runs: RUNS, median_ms: at(0.5), p99_ms: at(0.99) };
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

function timed(script: string): Promise<number> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(script, { stdio: ["pipe", "ignore", "ignore"] });
    child.once("error", reject).once("close", () => resolve(performance.now() - begin));
    child.stdin.once("error", reject).end("{}");
  });
}
