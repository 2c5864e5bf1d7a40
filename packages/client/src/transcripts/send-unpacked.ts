import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { isOfMachine } from "../spool/machine-problem.ts";
import type { FileState, LocalFile } from "./file-state.ts";
import { isDatabaseError } from "./opencode/sqlite.ts";
import { isSame, type SendFileDependencies, type SendFileResult, sendFile } from "./send-file.ts";

const PACKED = ".zst";
/** Bun, and Node from 22.15 on. */
export const CAN_UNPACK = "createZstdDecompress" in zlib;

export function isPacked(path: string): boolean {
  return path.endsWith(PACKED);
}

/** Of a file, without the mark that it is packed. */
export function unpackedName(name: string): string {
  return isPacked(name) ? name.slice(0, -PACKED.length) : name;
}

/** How to get a transcript that is not a file of lines. */
export type Unpack = {
  /** By which a change is noticed. */
  look: Pick<FileState, "size" | "mtime_ms" | "inode">;
  /** Writes the lines to a new file. */
  write(path: string): Promise<void>;
};

/** Of a file that is packed by zstd. */
export function unpackZstd(path: string, look: Unpack["look"]): Unpack {
  return {
    look,
    write: (target) =>
      pipeline(
        createReadStream(path),
        zlib.createZstdDecompress(),
        createWriteStream(target, { mode: 0o600 }),
      ),
  };
}

/**
 * Sends what a packed file contains, as the file that it was before: what the hub holds of that one is not sent again. `directory`: where
 * it is unpacked.
 */
export async function sendUnpacked(
  dependencies: SendFileDependencies,
  file: LocalFile,
  unpack: Unpack,
  directory: string,
): Promise<SendFileResult> {
  const { look } = unpack;
  const state = await dependencies.states.read(file);
  if (state !== null && isSame(state, look))
    return { status: state.set_aside === null ? "unchanged" : "set_aside", sent: 0 };
  const states: SendFileDependencies["states"] = {
    read: async () => state,
    // A state with the time 0 is that of a file of which more is to come.
    write: (_, written) =>
      dependencies.states.write(file, {
        ...written,
        ...look,
        ...(written.mtime_ms === 0 ? { mtime_ms: 0 } : {}),
      }),
  };
  const sent = await withUnpacked(unpack, directory, (path) =>
    sendFile({ ...dependencies, states }, { ...file, path }),
  );
  return sent ?? { status: "set_aside", sent: 0 };
}

/** Null when it cannot be unpacked. The file is there during `use` only. */
export async function withUnpacked<T>(
  { write }: Unpack,
  directory: string,
  use: (path: string) => Promise<T>,
): Promise<T | null> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(directory, "unpacked-"));
  try {
    const path = join(folder, "file");
    await write(path);
    return await use(path);
  } catch (error) {
    if (!isDamaged(error) && !isDatabaseError(error)) throw error;
    return null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** zstd states its failures with a code of its own, and names no system call. */
function isDamaged(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    /^ZSTD_|^Z_|^ERR_ZSTD/.test(String(error.code)) &&
    !isOfMachine(error)
  );
}
