import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createEvents } from "../events.ts";
import { toBodies } from "../ingest-data.ts";
import { ADMIN_KEY } from "../server.ts";
import type { Load } from "./cost.ts";

/** Of all processes together. */
const CONNECTIONS = 24;
const BATCH_SIZE = 100;
const LOAD_PROGRAM = join(import.meta.dir, "../http-load.ts");

/** Sends new events in batches, an equal part to each process by a client process of its own. Throws if one is not acknowledged. */
export async function writeEvents(
  ports: readonly number[],
  count: number,
  random: () => number,
  folder: string,
): Promise<Load> {
  const part = count / ports.length;
  const files = ports.map((port) => join(folder, `${port}.ndjson`));
  for (const file of files) await writeFile(file, toBodies(createEvents(part, random), BATCH_SIZE));
  const loads = await Promise.all(
    ports.map((port, n) => runClient(port, CONNECTIONS / ports.length, files[n] ?? "")),
  );
  return {
    count: part * ports.length,
    seconds: Math.max(...loads.map(({ seconds }) => seconds)),
    cpu_s: loads.reduce((sum, { cpu_s }) => sum + cpu_s, 0),
  };
}

async function runClient(port: number, connections: number, file: string) {
  const command = [process.execPath, LOAD_PROGRAM, `${port}`, ADMIN_KEY, `${connections}`, file];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const result: { seconds: number; failures: number } = JSON.parse(await new Response(child.stdout).text());
  await child.exited;
  if (result.failures > 0) throw new Error(`${result.failures} requests were not acknowledged`);
  return { seconds: result.seconds, cpu_s: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6 };
}
