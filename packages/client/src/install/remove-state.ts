import { rm } from "node:fs/promises";
import { join } from "node:path";
import { dataPaths } from "../spool/data-paths.ts";

/** What `wharf status` found last. */
export function statusFile(data: string): string {
  return join(data, "status.json");
}

/** Its time is that of the last refresh for a status line. */
export function refreshFile(data: string): string {
  return join(data, "status.refresh");
}

/** Removes what commands, hooks and the sender keep in the data directory; other files there stay. */
export async function removeState(directory: string): Promise<void> {
  const { data, ...paths } = dataPaths(directory);
  const places = [statusFile(data), refreshFile(data), ...Object.values(paths)];
  await Promise.all(places.map((path) => rm(path, { recursive: true, force: true })));
}
