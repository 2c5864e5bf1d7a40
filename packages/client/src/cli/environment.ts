import { homedir } from "node:os";
import { join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Only this file of the client reads process.env. */
export function readEnvironment(): Environment {
  // biome-ignore lint/style/noProcessEnv: this is where the environment is read.
  return process.env;
}

/**
 * Enters the directory in which the command was called. The `wharf` script starts the runtime in another one, whose files are no part of a
 * repository. Throws the file system's error when the directory is gone.
 */
export function enterDirectory(): void {
  const { env } = process;
  const { WHARF_DIRECTORY } = env;
  if (!WHARF_DIRECTORY) return;
  // Not for the processes that this one starts.
  delete env["WHARF_DIRECTORY"];
  process.chdir(WHARF_DIRECTORY);
}

export type Paths = {
  /** Profiles with their keys: ~/.config/wharf. */
  config: string;
  /** wharf.js, the spool and what the sender remembers: ~/.local/share/wharf. */
  data: string;
  /** Where the `wharf` command is: ~/.local/bin. */
  bin: string;
};

/** Directories of this user; XDG_CONFIG_HOME and XDG_DATA_HOME are followed. None needs to exist. */
export function pathsOf(environment: Environment): Paths {
  const home = environment["HOME"] || homedir();
  return {
    config: join(environment["XDG_CONFIG_HOME"] || join(home, ".config"), "wharf"),
    data: join(environment["XDG_DATA_HOME"] || join(home, ".local/share"), "wharf"),
    bin: join(home, ".local/bin"),
  };
}
