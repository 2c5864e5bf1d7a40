import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Only this user reads what a hook wrote. */
const MODE = 0o600;
/** A name and a UUID: what a writer that was killed left behind. */
const DRAFT = /^\..+\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** A writer takes milliseconds. */
const DRAFT_MS = 60_000;

/** Written next to its place, synced and renamed: a reader sees all of it or nothing, also after a crash. */
export async function writeDurably(path: string, content: string | Uint8Array, mode = MODE): Promise<void> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  // Two writers of one file must not share it.
  const written = join(dirname(path), `.${name}.${randomUUID()}`);
  try {
    const handle = await open(written, "w", mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(written, path);
  } catch (error) {
    await removeFile(written).catch(() => undefined);
    // The system does not name the file of a failed write, and the draft is of no use to a person.
    throw error instanceof Error ? Object.assign(error, { path }) : error;
  }
}

/** Removes what killed writers left in directories; younger than `age_ms`, it can belong to a writer that runs. */
export async function removeDrafts(directories: readonly string[], age_ms = DRAFT_MS): Promise<void> {
  for (const directory of directories) {
    const names = (await readdir(directory).catch(nullIfMissing)) ?? [];
    for (const path of names.filter((name) => DRAFT.test(name)).map((name) => join(directory, name))) {
      const stats = await statIfThere(path);
      if (stats !== null && Date.now() - stats.mtimeMs >= age_ms) await removeFile(path);
    }
  }
}

export async function readIfThere(path: string): Promise<Buffer | null> {
  const handle = await openFile(path);
  if (handle === null) return null;
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** For reading; null where there is no file. A pipe or a device, to which a link of a repository may lead, would have no end. */
export async function openFile(path: string): Promise<FileHandle | null> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(nullIfMissing);
  if (handle === null || (await handle.stat()).isFile()) return handle;
  await handle.close();
  return null;
}

/** Paths of the files below a directory, sorted, without links. Directories that cannot be read are left out. */
export async function listFilesBelow(root: string, count_max = Number.POSITIVE_INFINITY): Promise<string[]> {
  const files: string[] = [];
  const directories = [root];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of (await readdir(directory, { withFileTypes: true }).catch(nullIfUnreadable)) ?? []) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) directories.push(path);
      else if (entry.isFile() && files.length < count_max) files.push(path);
    }
  }
  return files.sort();
}

export async function statIfThere(path: string): Promise<Stats | null> {
  return await stat(path).catch(nullIfMissing);
}

/** JSON that this client wrote; null when it is missing or damaged. */
export async function readState<T>(path: string): Promise<T | null> {
  const bytes = await readIfThere(path);
  if (bytes === null) return null;
  try {
    return JSON.parse(bytes.toString("utf8")) as T;
  } catch {
    return null;
  }
}

/** ENOTDIR: a part of the path was a directory once. ELOOP: a link that leads to itself. */
const MISSING: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

export function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (MISSING.has(error.code ?? "")) return null;
  throw error;
}

/** Of another user, such as one that an agent wrote as root. */
export function nullIfUnreadable(error: NodeJS.ErrnoException): null {
  return error.code === "EACCES" || error.code === "EPERM" ? null : nullIfMissing(error);
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}
