import { join } from "node:path";
import { config as loadDotenv } from "dotenv";
import { type Config, readConfig } from "./config.ts";

const repositoryRoot = join(import.meta.dir, "..", "..", "..");

/** libpq's default, which the driver refuses. */
const ANY_SERVER = "any";

/** The process's configuration: real variables win over the repository's `.env`. The only place that reads process.env. */
export function loadConfig(envFile: string = join(repositoryRoot, ".env")): Config {
  loadDotenv({ path: envFile, quiet: true });
  // biome-ignore lint/style/noProcessEnv: this is where the environment is read, once.
  const environment = process.env;
  if (environment["PGTARGETSESSIONATTRS"] === ANY_SERVER) delete environment["PGTARGETSESSIONATTRS"];
  return readConfig(environment);
}

/** Where a relative path of the configuration starts. */
export function resolveFromRoot(path: string): string {
  return path.startsWith("/") ? path : join(repositoryRoot, path);
}
