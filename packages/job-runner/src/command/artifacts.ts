import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { CommandArtifactsError } from "./command-errors.ts";

/** The caller's storage of output and artifacts: takes content, returns its SHA-256 in hex and its size in bytes. */
export type ArtifactStore = {
  put(content: ReadableStream<Uint8Array>): Promise<StoredContent>;
};

export type StoredContent = { readonly hash: string; readonly size: number };

export type Artifact = StoredContent & { readonly path: string };

export type ArtifactLimits = { readonly count: number; readonly bytes: number };

/** Maximum of files that are searched for artifacts. */
const WALKED_MAX = 100_000;
const READ_BYTES = 262_144;

export type ArtifactOptions = {
  readonly patterns: readonly string[];
  readonly limits: ArtifactLimits;
  readonly store: ArtifactStore;
  /** Called for each file and folder that cannot be read, such as one whose name is not UTF-8. */
  readonly onUnreadable: (path: string) => void;
};

/**
 * Stores the workspace's regular files that match a pattern, ordered by path. Links are neither followed nor stored, and
 * unreadable files are skipped. Throws CommandArtifactsError when they exceed the limits, and then stores none.
 */
export async function storeArtifacts(workspace: string, options: ArtifactOptions): Promise<Artifact[]> {
  const artifacts: Artifact[] = [];
  for (const path of await findArtifacts(workspace, options)) {
    const file = await openFile(join(workspace, path));
    if (file === null) options.onUnreadable(path);
    else artifacts.push({ path, ...(await storeFile(file, options.store).finally(() => file.close())) });
  }
  return artifacts;
}

/** Null for a file that is not regular, on which it does not block, or cannot be opened. */
async function openFile(path: string): Promise<FileHandle | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => null);
  if (file === null || (await file.stat()).isFile()) return file;
  await file.close();
  return null;
}

/** One regular file, from its beginning, as a stream. */
export async function storeFile(file: FileHandle, store: ArtifactStore): Promise<StoredContent> {
  let position = 0;
  const content = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { bytesRead, buffer } = await file.read(new Uint8Array(READ_BYTES), 0, READ_BYTES, position);
        position += bytesRead;
        if (bytesRead === 0) controller.close();
        else controller.enqueue(buffer.subarray(0, bytesRead));
      },
    },
    { highWaterMark: 0 },
  );
  return await store.put(content);
}

async function findArtifacts(
  workspace: string,
  { patterns, limits, onUnreadable }: ArtifactOptions,
): Promise<string[]> {
  if (patterns.length === 0) return [];
  const globs = patterns.map((pattern) => new Bun.Glob(pattern));
  const found: string[] = [];
  let bytes = 0;
  for await (const path of files(workspace, onUnreadable)) {
    if (!globs.some((glob) => glob.match(path))) continue;
    const size = await lstat(join(workspace, path)).then(
      (entry) => entry.size,
      () => null,
    );
    if (size === null) {
      onUnreadable(path);
      continue;
    }
    found.push(path);
    bytes += size;
    if (found.length > limits.count) throw new CommandArtifactsError("files", limits.count);
    if (bytes > limits.bytes) throw new CommandArtifactsError("bytes", limits.bytes);
  }
  return found.sort();
}

/** Relative paths of the regular files below a folder. Links are not followed, including a link as the root. */
async function* files(root: string, onUnreadable: (path: string) => void): AsyncGenerator<string> {
  if (!(await lstat(root)).isDirectory()) return onUnreadable(".");
  const folders = [""];
  let walked = 0;
  for (const folder of folders) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => null);
    if (entries === null) onUnreadable(folder === "" ? "." : folder);
    for (const entry of entries ?? []) {
      walked += 1;
      if (walked > WALKED_MAX) throw new CommandArtifactsError("workspace", WALKED_MAX);
      const path = folder === "" ? entry.name : `${folder}${sep}${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) yield path;
    }
  }
}
