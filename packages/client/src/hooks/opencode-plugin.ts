import { join } from "node:path";
import type { ScriptName } from "./render-scripts.ts";
import plugin from "./scripts/opencode-plugin.js" with { type: "text" };

const SCRIPT: ScriptName = "opencode.sh";
const [MARK = ""] = plugin.split("\n");

/** The file that opencode loads, for hooks in this directory. */
export function renderPlugin(directory: string): string {
  return plugin.replace('"@SCRIPT@"', () => JSON.stringify(join(directory, SCRIPT)));
}

export function isOurPlugin(text: string): boolean {
  return text.startsWith(MARK);
}
