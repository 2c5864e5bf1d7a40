import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import { dataPaths } from "../spool/data-paths.ts";
import { removeDrafts } from "../spool/files.ts";

/** What `wharf status` found last. */
export function statusFile(data: string): string {
  return join(data, "status.json");
}

/** The status line of the last result, which the `wharf` command prints without a runtime. */
export function statusLineFile(data: string): string {
  return join(data, "status.line");
}

/** Its time is that of the last refresh for a status line. */
export function refreshFile(data: string): string {
  return join(data, "status.refresh");
}

/** Where Node 22 keeps the program as it has compiled it: starts take a fifth less. */
export function compileCache(data: string): string {
  return join(data, "compile-cache");
}

/** What commands, hooks and the sender keep in the data directory now. */
export async function listState(directory: string): Promise<string[]> {
  const places = placesOf(directory);
  const found = await Promise.all(places.map((path) => lstat(path).catch(() => null)));
  return places.filter((_, index) => found[index] !== null);
}

/** Removes what commands, hooks and the sender keep in the data directory; other files there stay. */
export async function removeState(directory: string): Promise<void> {
  await Promise.all(placesOf(directory).map((path) => rm(path, { recursive: true, force: true })));
  await removeDrafts([directory], 0);
}

function placesOf(directory: string): string[] {
  const { data, ...paths } = dataPaths(directory);
  const ofCommands = [statusFile(data), statusLineFile(data), refreshFile(data), compileCache(data)];
  return [...ofCommands, ...Object.values(paths)];
}
