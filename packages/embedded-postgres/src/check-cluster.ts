import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";
import { exists } from "./files.ts";
import type { Layout } from "./layout.ts";

/** Of what Postgres cannot do without, the parts that an interrupted copy or a wrong `rm` leaves out. */
const ESSENTIAL_FILES = ["PG_VERSION", "base", "global/pg_control", "pg_wal", "pg_xact"];

/**
 * Whether there is a cluster. Nothing is written before this check, so that a folder which is repaired afterwards works again.
 * @throws EmbeddedPostgresError when it is incomplete, of another major version, or gone
 */
export async function hasCluster(layout: Layout): Promise<boolean> {
  if (await exists(layout.clusterDir)) {
    await requireWhole(layout);
    await requireMajorVersion(layout);
    return true;
  }
  if (!(await exists(layout.databasesFile))) return false;
  throw new EmbeddedPostgresError(
    `${layout.clusterDir} does not exist, but ${layout.dataDir} contained a database before. Restore the folder, or delete ${layout.databasesFile} to start with an empty database.`,
  );
}

async function requireWhole({ clusterDir, dataDir }: Layout): Promise<void> {
  const present = await Promise.all(ESSENTIAL_FILES.map((file) => exists(join(clusterDir, file))));
  const missing = ESSENTIAL_FILES.filter((_, index) => !present[index]);
  if (missing.length === 0) return;
  throw new EmbeddedPostgresError(
    `The Postgres data in ${clusterDir} is incomplete (missing: ${missing.join(", ")}). Restore the folder from a copy, or move ${dataDir} away to start with an empty database.`,
  );
}

async function requireMajorVersion({ clusterDir, dataDir, binaries }: Layout): Promise<void> {
  const major = (await readFile(join(clusterDir, "PG_VERSION"), "utf8")).trim();
  if (binaries.version.split(".")[0] === major) return;
  throw new EmbeddedPostgresError(
    `${dataDir} was created by Postgres ${major}, and this is Postgres ${binaries.version}. Back it up with the version of Wharf that created it, or use another data folder.`,
  );
}
