import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { createChainHash, EMPTY_CHAIN_HASH } from "@wharf/transcripts";
import { isOfMachine } from "../spool/machine-problem.ts";
import type { FileState, LocalFile } from "./file-state.ts";
import { isDatabaseError } from "./opencode/sqlite.ts";
import {
  isSame,
  resultOf,
  type SendFileDependencies,
  type SendFileResult,
  SetAside,
  sendFile,
} from "./send-file.ts";

const PACKED = ".zst";
/** Codex writes files of up to 2 GB. A larger one could fill the disk on which it is unpacked. */
const UNPACKED_BYTES_MAX = 2 * 1024 ** 3;
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
export function unpackZstd(path: string, look: Unpack["look"], bytes_max = UNPACKED_BYTES_MAX): Unpack {
  return {
    look,
    write: (target) =>
      pipeline(
        createReadStream(path),
        zlib.createZstdDecompress(),
        (parts: AsyncIterable<Buffer>) => atMost(bytes_max, parts),
        createWriteStream(target, { mode: 0o600 }),
      ),
  };
}

async function* atMost(bytes_max: number, parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const part of parts) {
    bytes += part.length;
    if (bytes > bytes_max) throw new SetAside(`it has more than ${bytes_max} bytes when it is unpacked`);
    yield part;
  }
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
  if (state !== null && isSame(state, look)) return resultOf(state);
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
  try {
    return await withUnpacked(unpack, directory, (path) =>
      sendFile({ ...dependencies, states }, { ...file, path }),
    );
  } catch (error) {
    if (!(error instanceof SetAside)) throw error;
    const reason = error.message;
    if (!(error instanceof NotReadNow))
      await states.write(file, { ...(state ?? NOTHING_SENT), ...look, set_aside: reason });
    return { status: "set_aside", sent: 0, reason };
  }
}

const NOTHING_SENT: Omit<FileState, keyof Unpack["look"] | "set_aside"> = {
  generation: 1,
  source_bytes: 0,
  source_hash: EMPTY_CHAIN_HASH,
  checkpoint: createChainHash().checkpoint(),
};

/** As a database that opencode is writing: it is read again at the next look. */
class NotReadNow extends SetAside {}

/** Throws SetAside when it cannot be unpacked. The file is there during `use` only. */
export async function withUnpacked<T>(
  { write }: Unpack,
  directory: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(directory, "unpacked-"));
  try {
    const path = join(folder, "file");
    await write(path);
    return await use(path);
  } catch (error) {
    if (isDamaged(error)) throw new SetAside(`it is damaged: ${error.message}`);
    if (isDatabaseError(error)) throw new NotReadNow(`the database cannot be read: ${error.message}`);
    if (isOfMachine(error) && (error.syscall === "read" || isPacked(error.path ?? "")))
      throw new NotReadNow(`it cannot be read: ${error.message}`);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** zstd states its failures with a code of its own, and names no system call. */
function isDamaged(error: unknown): error is Error {
  return (
    error instanceof Error &&
    "code" in error &&
    /^ZSTD_|^Z_|^ERR_ZSTD/.test(String(error.code)) &&
    !isOfMachine(error)
  );
}
