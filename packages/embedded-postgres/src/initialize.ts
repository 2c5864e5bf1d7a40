import { randomBytes } from "node:crypto";
import { appendFile, chown, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCluster } from "./check-cluster.ts";
import { EmbeddedPostgresError } from "./errors.ts";
import { readIfExists } from "./files.ts";
import { type Files, type Layout, SUPERUSER } from "./layout.ts";
import { run, runOrThrow } from "./run.ts";

const PASSWORD_BYTES = 24;
const SETTINGS_FILE = "wharf.conf";
const INCLUDE_SETTINGS = `include_if_exists = '${SETTINGS_FILE}'`;

/** Makes the cluster when there is none. It is whole once it has its name: a start that was killed leaves a partial one. */
export async function ensureCluster(layout: Layout, onProgress: (message: string) => void): Promise<void> {
  if (await hasCluster(layout)) return;
  onProgress(`Initialising a Postgres ${layout.binaries.version} cluster in ${layout.dataDir}`);
  const partial = `${layout.clusterDir}.partial`;
  await rm(partial, { recursive: true, force: true });
  await writePassword(layout);
  await runOrThrow(initdb(layout, partial), "initialise its data folder");
  await rename(partial, layout.clusterDir);
}

/** The server must not run: a database is made by Postgres's single-user mode, which needs no client. */
export async function ensureDatabase(layout: Layout, database: string): Promise<void> {
  if (await hasDatabase(layout, database)) return;
  const command = [layout.binaries.postgres, "--single", "-D", layout.clusterDir, "postgres"];
  const input = `CREATE DATABASE "${database.replaceAll('"', '""')}"\n`;
  const { output } = await run({ command, input, cwd: layout.dataDir, owner: layout.owner });
  const failure = output.split("\n").find((line) => /(ERROR|FATAL|PANIC):/.test(line));
  if (failure && !failure.includes("already exists")) {
    throw new EmbeddedPostgresError(`The embedded Postgres could not create its database: ${failure}`);
  }
  await appendFile(layout.databasesFile, `${database}\n`);
}

export async function hasDatabase(layout: Layout, database: string): Promise<boolean> {
  const names = await readIfExists(layout.databasesFile);
  return names?.split("\n").includes(database) ?? false;
}

/** Settings hold until the next start, which writes them again. */
export async function writeSettings(layout: Layout, settings: Record<string, string>): Promise<void> {
  await includeSettings(layout);
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
  );
  const path = join(layout.clusterDir, SETTINGS_FILE);
  await writeFile(path, lines.join(""));
  await giveToOwner(layout, path);
}

/** Also in a postgresql.conf that was cut short: without our settings Postgres would listen on its default port. */
async function includeSettings(layout: Layout): Promise<void> {
  const path = join(layout.clusterDir, "postgresql.conf");
  const text = (await readIfExists(path)) ?? "";
  if (text.split("\n").includes(INCLUDE_SETTINGS)) return;
  await appendFile(path, `\n${INCLUDE_SETTINGS}\n`);
  await giveToOwner(layout, path);
}

export async function readPassword(layout: Files): Promise<string> {
  const password = await readIfExists(layout.passwordFile);
  if (password?.trim()) return password.trim();
  throw new EmbeddedPostgresError(
    `The password file ${layout.passwordFile} is missing. Restore it, or delete ${layout.dataDir} to start with an empty database.`,
  );
}

async function writePassword(layout: Layout): Promise<void> {
  await rm(layout.passwordFile, { force: true });
  await writeFile(layout.passwordFile, `${randomBytes(PASSWORD_BYTES).toString("base64url")}\n`, {
    mode: 0o600,
  });
  await giveToOwner(layout, layout.passwordFile);
}

function initdb(layout: Layout, directory: string) {
  const command = [
    layout.binaries.initdb,
    `--pgdata=${directory}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${layout.passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
  ];
  return { command, cwd: layout.dataDir, owner: layout.owner };
}

async function giveToOwner(layout: Layout, path: string): Promise<void> {
  if (layout.owner) await chown(path, layout.owner.uid, layout.owner.gid);
}
