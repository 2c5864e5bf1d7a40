import type { Command } from "commander";
import type { Io } from "../io.ts";

/** `wharf paths` */
export function paths(command: Command, io: Io): void {
  command.option("--json", "print JSON").action(function showPaths({ json }: { json?: true }) {
    if (json) return io.json(io.paths);
    for (const [name, path] of Object.entries(io.paths)) io.print(`${name}\t${path}`);
  });
}
