import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DataPaths } from "./data-paths.ts";
import { nullIfMissing, removeFile, statIfThere } from "./files.ts";

/** Of hook files and events that wait. What hooks bring beyond it is refused; what is there is never deleted. */
export const SPOOL_BYTES_MAX = 1_000_000_000;

async function measureSpool({ spool, outbox }: Pick<DataPaths, "spool" | "outbox">): Promise<number> {
  let bytes = 0;
  for (const directory of [spool, outbox]) {
    for (const name of (await readdir(directory).catch(nullIfMissing)) ?? [])
      bytes += (await statIfThere(join(directory, name)))?.size ?? 0;
  }
  return bytes;
}

/** Tells hooks whether there is room for their input. */
export async function markFull(paths: DataPaths, bytes_max = SPOOL_BYTES_MAX): Promise<void> {
  const isFull = (await measureSpool(paths)) >= bytes_max;
  if (!isFull) await removeFile(paths.full);
  else if ((await statIfThere(paths.full)) === null) await writeFile(paths.full, "");
}
