import type { Command } from "commander";
import type { Io } from "../io.ts";

/** Adds arguments, options and the action to a command. */
export type Define = (command: Command, io: Io) => void;

export type CommandEntry = {
  name: string;
  /** One line of `wharf --help`, without a full stop. */
  summary: string;
  /** Loaded when the command runs, or its help is shown. */
  load: () => Promise<Define>;
};

/** In the order of `wharf --help`. A command that is not complete is not listed. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "paths",
    summary: "Show where this machine keeps profiles, spool and program",
    load: async () => (await import("./paths.ts")).paths,
  },
];
