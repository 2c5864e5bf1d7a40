import { homedir } from "node:os";
import { join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The only place of the client that reads process.env. */
export function readEnvironment(): Environment {
  // biome-ignore lint/style/noProcessEnv: this is where the environment is read.
  return process.env;
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
