import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readPassword } from "./initialize.ts";
import { connectionString, DEFAULT_DATABASE, filesOf } from "./layout.ts";
import { findOwner, locateDataDir } from "./owner.ts";
import { findServer } from "./server-process.ts";

export type FoundPostgres = {
  /** where the data really is: elsewhere than asked for when we are root */
  dataDir: string;
  /** with the password: never log it; undefined when it does not run */
  url: string | undefined;
};

/** What a start left in this folder, if anything; nothing is made, started or waited for. */
export async function findEmbeddedPostgres(options: {
  dataDir: string;
  database?: string;
}): Promise<FoundPostgres | undefined> {
  const files = filesOf(locateDataDir(options.dataDir, await findOwner()));
  const { dataDir } = files;
  if (!(await isInitialised(files.clusterDir))) return undefined;
  const server = await findServer(files);
  if (server?.status !== "ready") return { dataDir, url: undefined };
  const { database = DEFAULT_DATABASE } = options;
  return { dataDir, url: connectionString(await readPassword(files), server.port, database) };
}

/** Initialising ends with this folder getting its name. */
function isInitialised(clusterDir: string): Promise<boolean> {
  return stat(join(clusterDir, "PG_VERSION")).then(
    () => true,
    () => false,
  );
}
