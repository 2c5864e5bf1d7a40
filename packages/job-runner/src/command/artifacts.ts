import { constants } from "node:fs";
import { lstat, open, opendir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { CommandArtifactsError } from "./command-errors.ts";

/** Where a caller keeps what commands leave behind: content in, its SHA-256 in hex and its size in bytes out. */
export type ArtifactStore = {
  put(content: ReadableStream<Uint8Array>): Promise<StoredContent>;
};

export type StoredContent = { readonly hash: string; readonly size: number };

export type Artifact = StoredContent & { readonly path: string };

export type ArtifactLimits = { readonly count: number; readonly bytes: number };

/** More files than this are not looked through for artifacts. */
const WALKED_MAX = 100_000;
const READ_BYTES = 262_144;

/**
 * Stores the workspace's regular files that match a pattern, in the order of their paths. Links are neither followed nor
 * stored. Throws CommandArtifactsError when there are more than the limits allow, and then stores none.
 */
export async function storeArtifacts(
  workspace: string,
  patterns: readonly string[],
  limits: ArtifactLimits,
  store: ArtifactStore,
): Promise<Artifact[]> {
  const paths = await findArtifacts(workspace, patterns, limits);
  const artifacts: Artifact[] = [];
  for (const path of paths) artifacts.push({ path, ...(await storeFile(join(workspace, path), store)) });
  return artifacts;
}

/** One regular file, as a stream. */
export async function storeFile(path: string, store: ArtifactStore): Promise<StoredContent> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const content = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { bytesRead, buffer } = await file.read(new Uint8Array(READ_BYTES));
        if (bytesRead === 0) controller.close();
        else controller.enqueue(buffer.subarray(0, bytesRead));
      },
    },
    { highWaterMark: 0 },
  );
  return await store.put(content).finally(() => file.close());
}

async function findArtifacts(
  workspace: string,
  patterns: readonly string[],
  limits: ArtifactLimits,
): Promise<string[]> {
  if (patterns.length === 0) return [];
  const globs = patterns.map((pattern) => new Bun.Glob(pattern));
  const root = await realpath(workspace);
  const found: string[] = [];
  let bytes = 0;
  for await (const path of files(root)) {
    if (!globs.some((glob) => glob.match(path))) continue;
    found.push(path);
    bytes += (await lstat(join(root, path))).size;
    if (found.length > limits.count) throw new CommandArtifactsError("files", limits.count);
    if (bytes > limits.bytes) throw new CommandArtifactsError("bytes", limits.bytes);
  }
  return found.sort();
}

/** Relative paths of the regular files below a folder. A link, also one to a folder, is not entered. */
async function* files(root: string): AsyncGenerator<string> {
  const folders = [""];
  let walked = 0;
  for (const folder of folders) {
    for await (const entry of await opendir(join(root, folder))) {
      walked += 1;
      if (walked > WALKED_MAX) throw new CommandArtifactsError("workspace", WALKED_MAX);
      const path = folder === "" ? entry.name : `${folder}${sep}${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) yield path;
    }
  }
}
