import { join } from "node:path";
import type { Binaries } from "./binaries.ts";
import type { Owner } from "./owner.ts";

export const SUPERUSER = "wharf";

/** All that a step of starting or stopping needs to know: who runs what, and where each file is. */
export type Layout = {
  binaries: Binaries;
  owner: Owner | undefined;
  dataDir: string;
  /** Postgres's own data directory */
  clusterDir: string;
  passwordFile: string;
  /** names of the databases that exist, one a line */
  databasesFile: string;
  logFile: string;
};

export function layOut(dataDir: string, binaries: Binaries, owner: Owner | undefined): Layout {
  return {
    binaries,
    owner,
    dataDir,
    clusterDir: join(dataDir, "cluster"),
    passwordFile: join(dataDir, "password"),
    databasesFile: join(dataDir, "databases"),
    logFile: join(dataDir, "postgres.log"),
  };
}
