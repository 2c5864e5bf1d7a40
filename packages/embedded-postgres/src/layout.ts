import { join } from "node:path";
import type { Binaries } from "./binaries.ts";
import type { Owner } from "./owner.ts";
import { HOST } from "./port.ts";

export const SUPERUSER = "wharf";
export const DEFAULT_DATABASE = "wharf";

/** Where each file is. */
export type Files = {
  dataDir: string;
  /** Postgres's own data directory */
  clusterDir: string;
  passwordFile: string;
  /** names of the databases that exist, one a line */
  databasesFile: string;
  logFile: string;
};

/** All that a step of starting or stopping needs to know: who runs what, and where. */
export type Layout = Files & { binaries: Binaries; owner: Owner | undefined };

export function filesOf(dataDir: string): Files {
  return {
    dataDir,
    clusterDir: join(dataDir, "cluster"),
    passwordFile: join(dataDir, "password"),
    databasesFile: join(dataDir, "databases"),
    logFile: join(dataDir, "postgres.log"),
  };
}

export function layOut(dataDir: string, binaries: Binaries, owner: Owner | undefined): Layout {
  return { binaries, owner, ...filesOf(dataDir) };
}

/** With the password: never log it. */
export function connectionString(password: string, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${password}@${HOST}:${port}/${encodeURIComponent(database)}`;
}
