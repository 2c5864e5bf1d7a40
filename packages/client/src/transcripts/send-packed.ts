import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { isOfMachine } from "../spool/machine-problem.ts";
import type { LocalFile } from "./file-state.ts";
import { type SendFileDependencies, type SendFileResult, sendFile } from "./send-file.ts";

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

/**
 * Sends what a packed file contains, as the file that it was before: what the hub holds of that one is not sent again. `directory`: where
 * it is unpacked.
 */
export async function sendPacked(
  dependencies: SendFileDependencies,
  file: LocalFile,
  directory: string,
): Promise<SendFileResult> {
  const { size, mtimeMs: mtime_ms, ino: inode } = await stat(file.path);
  const state = await dependencies.states.read(file);
  if (state !== null && state.size === size && state.mtime_ms === mtime_ms)
    return { status: state.set_aside === null ? "unchanged" : "set_aside", sent: 0 };
  const folder = await mkdtemp(join(directory, "unpacked-"));
  try {
    const path = join(folder, "file");
    await pipeline(
      createReadStream(file.path),
      zlib.createZstdDecompress(),
      createWriteStream(path, { mode: 0o600 }),
    );
    const states: SendFileDependencies["states"] = {
      read: async () => state,
      // A state with the time 0 is that of a file of which more is to come.
      write: (_, written) =>
        dependencies.states.write(file, {
          ...written,
          size,
          inode,
          mtime_ms: written.mtime_ms === 0 ? 0 : mtime_ms,
        }),
    };
    return await sendFile({ ...dependencies, states }, { ...file, path });
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return { status: "set_aside", sent: 0 };
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
