import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { dataPaths } from "../spool/data-paths.ts";
import { readIfThere, statIfThere, writeDurably } from "../spool/files.ts";
import { renderScripts, SCRIPT_NAMES, type ScriptPlaces } from "./render-scripts.ts";

const PROGRAM_MODE = 0o700;

/** Writes the hook scripts and the directories that they need. Scripts that are the same already are not touched. */
export async function writeScripts(places: ScriptPlaces): Promise<void> {
  const { spool, hooks } = dataPaths(places.data);
  for (const directory of [spool, hooks]) await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const [name, content] of renderScripts(places)) {
    const path = join(hooks, name);
    if ((await readIfThere(path))?.toString("utf8") !== content)
      await writeDurably(path, content, PROGRAM_MODE);
    await chmod(path, PROGRAM_MODE);
  }
}

/** False after the data directory was removed: hooks then find nothing to run, and say nothing. */
export async function areScriptsThere(hooks: string): Promise<boolean> {
  const found = await Promise.all(SCRIPT_NAMES.map((name) => statIfThere(join(hooks, name))));
  return found.every((stats) => stats !== null);
}
