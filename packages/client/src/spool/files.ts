import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
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
  return await readFile(path).catch(nullIfMissing);
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

/** ENOTDIR: a part of the path was a directory once. */
export function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
  throw error;
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}
