import { join } from "node:path";
import { locateDataDir } from "./data-dir.ts";
import { exists } from "./files.ts";
import { readPassword } from "./initialize.ts";
import { connectionString, DEFAULT_DATABASE, filesOf } from "./layout.ts";
import { findServer } from "./server-process.ts";

export type FoundPostgres = {
  /** where the data really is: elsewhere than requested where the user that Postgres runs as cannot enter */
  dataDir: string;
  /** with the password: never log it; undefined when it does not run */
  url: string | undefined;
};

/** What a start left in this folder, if anything; nothing is made, started or waited for. */
export async function findEmbeddedPostgres(options: {
  dataDir: string;
  database?: string;
}): Promise<FoundPostgres | undefined> {
  const files = filesOf(await locateDataDir(options.dataDir));
  const { dataDir } = files;
  if (!(await exists(join(files.clusterDir, "PG_VERSION")))) return undefined;
  const server = await findServer(files);
  if (server?.status !== "ready") return { dataDir, url: undefined };
  const { database = DEFAULT_DATABASE } = options;
  return { dataDir, url: connectionString(await readPassword(files), server.port, database) };
}
