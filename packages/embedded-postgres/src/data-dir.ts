import { createHash, randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";
import { exists } from "./files.ts";
import { filesOf } from "./layout.ts";
import { type Owner, prepareSystemDir, SYSTEM_DIR } from "./owner.ts";
import { run, runOrThrow } from "./run.ts";

/** In the requested folder, when the data is elsewhere: the path of the folder that holds it. */
const POINTER_FILE = "location";
/** In a folder of the naming by hash: a pointer leads here, so that a new folder of the old path does not take it. */
const CLAIMED_FILE = "claimed";
const NAME_BYTES = 8;

export type DataDir = {
  path: string;
  /** who runs Postgres there; undefined for the user that we are */
  owner: Owner | undefined;
};

/**
 * The folder that holds the data for `requested`, or would: that folder itself, else the one that its pointer file names.
 * Nothing is made.
 */
export async function locateDataDir(requested: string): Promise<string> {
  const wanted = resolve(requested);
  return (await findData(wanted)) ?? wanted;
}

/**
 * Makes the folder for a new cluster, or finds the one that holds the data already. As root, Postgres runs as another user: where
 * that user cannot enter the requested folder (below /root, or any of mode 0700), the data lies in a folder of SYSTEM_DIR, and a
 * pointer file in the requested folder names it. The pointer moves with the requested folder; a hash of its path would not.
 * Call it under the lock only.
 */
export async function prepareDataDir(requested: string, user: Owner | undefined): Promise<DataDir> {
  const wanted = resolve(requested);
  const found = await findData(wanted);
  if (found === undefined) return createDataDir(wanted, user);
  await requireFolder(wanted, found);
  if (!user) return { path: found, owner: undefined };
  if (found === legacyDataDir(wanted)) await claim(wanted, found);
  const owner = await ownerOfCluster(found, user);
  if (await canUse(owner, found)) return { path: found, owner };
  throw new EmbeddedPostgresError(
    `The user ${owner.name} cannot enter ${found}, and Postgres runs as that user when started by root. Allow it to enter the folders above (chmod o+x), or move the data folder elsewhere.`,
  );
}

async function findData(wanted: string): Promise<string | undefined> {
  if (await holdsData(wanted)) return wanted;
  const pointer = await readFile(join(wanted, POINTER_FILE), "utf8").catch(() => "");
  if (pointer.trim() !== "") return pointer.trim();
  const legacy = legacyDataDir(wanted);
  const isOurs = process.getuid?.() === 0 && (await holdsData(legacy)) && !(await isClaimed(legacy));
  return isOurs ? legacy : undefined;
}

/** Also when it is damaged: the start then fails instead of creating an empty database. */
async function holdsData(folder: string): Promise<boolean> {
  const { clusterDir, databasesFile } = filesOf(folder);
  return (await exists(clusterDir)) || (await exists(databasesFile));
}

/** An empty database in place of a missing one would look like lost data. */
async function requireFolder(wanted: string, found: string): Promise<void> {
  if (await exists(found)) return;
  throw new EmbeddedPostgresError(
    `The database of ${wanted} is in ${found}, and that folder does not exist. Restore it, or delete ${join(wanted, POINTER_FILE)} to start with an empty database.`,
  );
}

async function createDataDir(wanted: string, user: Owner | undefined): Promise<DataDir> {
  await mkdir(wanted, { recursive: true, mode: 0o700 });
  if (!user || (await giveFolder(wanted, user))) return { path: wanted, owner: user };
  await prepareSystemDir();
  const path = join(SYSTEM_DIR, `data-${randomBytes(NAME_BYTES).toString("hex")}`);
  await mkdir(path, { mode: 0o700 });
  await chown(path, user.uid, user.gid);
  await writeFile(join(wanted, POINTER_FILE), `${path}\n`);
  return { path, owner: user };
}

/** False where that user cannot get to, and on file systems without owners. */
async function giveFolder(folder: string, user: Owner): Promise<boolean> {
  if (!(await canPass(user, dirname(folder)))) return false;
  try {
    await chown(folder, user.uid, user.gid);
    await chmod(folder, 0o700);
  } catch {
    return false;
  }
  return canUse(user, folder);
}

/** Data keeps its owner: `postgres`, the user "nobody" of a machine without `postgres`, or the user of a start without sudo. */
async function ownerOfCluster(folder: string, user: Owner): Promise<Owner> {
  const { uid, gid } = await stat(filesOf(folder).clusterDir).catch(() => stat(folder));
  if (uid !== 0) return { name: uid === user.uid ? user.name : `with the id ${uid}`, uid, gid };
  // A copy that root made.
  const command = ["/bin/sh", "-c", 'chown -R -h "$0" "$1"', `${user.uid}:${user.gid}`, folder];
  await runOrThrow({ command, cwd: "/", owner: undefined }, `give ${folder} to the user ${user.name}`);
  return user;
}

async function claim(wanted: string, found: string): Promise<void> {
  await mkdir(wanted, { recursive: true, mode: 0o700 });
  await writeFile(join(wanted, POINTER_FILE), `${found}\n`);
  await writeFile(join(found, CLAIMED_FILE), "");
}

function isClaimed(folder: string): Promise<boolean> {
  return exists(join(folder, CLAIMED_FILE));
}

/** Where versions without pointer files kept the data of `wanted` when root started them. */
function legacyDataDir(wanted: string): string {
  return join(SYSTEM_DIR, `data-${createHash("sha256").update(wanted).digest("hex").slice(0, 16)}`);
}

function canPass(owner: Owner, folder: string): Promise<boolean> {
  return passes(owner, 'test -x "$0"', folder);
}

function canUse(owner: Owner, folder: string): Promise<boolean> {
  return passes(owner, 'test -x "$0" && test -w "$0"', folder);
}

async function passes(owner: Owner, condition: string, folder: string): Promise<boolean> {
  const { code } = await run({ command: ["/bin/sh", "-c", condition, folder], cwd: "/", owner });
  return code === 0;
}
