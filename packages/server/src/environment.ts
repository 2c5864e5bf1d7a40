import { join } from "node:path";
import { config as loadDotenv } from "dotenv";
import { type Config, readConfig } from "./config.ts";

const repositoryRoot = join(import.meta.dir, "..", "..", "..");

/** The process's configuration: real variables win over the repository's `.env`. The only place that reads process.env. */
export function loadConfig(envFile: string = join(repositoryRoot, ".env")): Config {
  loadDotenv({ path: envFile, quiet: true });
  // biome-ignore lint/style/noProcessEnv: this is where the environment is read, once.
  return readConfig(process.env);
}

/** Where a relative path of the configuration starts. */
export function resolveFromRoot(path: string): string {
  return path.startsWith("/") ? path : join(repositoryRoot, path);
}
