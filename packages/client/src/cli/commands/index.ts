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
  /** Not in the help. */
  isHidden?: true;
};

/** In the order of `wharf --help`. A command that is not complete is not listed. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "connect",
    summary: "Connect this machine to a hub",
    load: async () => (await import("./connect.ts")).connect,
  },
  {
    name: "update",
    summary: "Replace this program by the one that the hub offers",
    load: async () => (await import("./update.ts")).update,
  },
  {
    name: "uninstall",
    summary: "Remove what the installation wrote",
    load: async () => (await import("./uninstall.ts")).uninstall,
  },
  {
    name: "install",
    summary: "Install this program for this user",
    load: async () => (await import("./install.ts")).install,
    isHidden: true,
  },
];
