import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { nullIfMissing, statIfThere } from "./files.ts";

export type Waiting = { name: string; time_ms: number };

/** Hook files of the spool, oldest first; `unfinished`: those that hooks write at this moment. */
export async function listSpool(spool: string): Promise<{ waiting: Waiting[]; unfinished: Waiting[] }> {
  const names = (await readdir(spool).catch(nullIfMissing)) ?? [];
  const found: Waiting[] = [];
  for (const name of names) {
    const stats = await statIfThere(join(spool, name));
    if (stats?.isFile()) found.push({ name, time_ms: Math.floor(stats.mtimeMs) });
  }
  found.sort((a, b) => a.time_ms - b.time_ms || (a.name < b.name ? -1 : 1));
  const isUnfinished = ({ name }: Waiting) => name.startsWith(".");
  return { waiting: found.filter((file) => !isUnfinished(file)), unfinished: found.filter(isUnfinished) };
}
