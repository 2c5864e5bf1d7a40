import type { FileHandle } from "node:fs/promises";
import { CHAIN_BLOCK_BYTES, type ChainCheckpoint, type ChainHash, createChainHash } from "@wharf/transcripts";

/** The chain hash of a file's first bytes, read from a checkpoint on; null when the file has fewer. */
export async function chainOf(
  handle: FileHandle,
  bytes: number,
  from?: ChainCheckpoint,
): Promise<ChainHash | null> {
  const chain = createChainHash(from);
  for (let at = (from?.blocks ?? 0) * CHAIN_BLOCK_BYTES; at < bytes; ) {
    const part = await readAt(handle, at, Math.min(CHAIN_BLOCK_BYTES, bytes - at));
    if (part.length === 0) return null;
    chain.push(part);
    at += part.length;
  }
  return chain;
}

/** Fewer bytes only at the end of the file. */
export async function readAt(
  handle: FileHandle,
  at: number,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await handle.read(buffer, filled, bytes - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
