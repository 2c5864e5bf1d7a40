import { createHash } from "node:crypto";

/** SHA-256 over blocks of 1 MiB, so that a file that grows is not hashed again from its start. */
export const CHAIN_BLOCK_BYTES = 1_048_576;
const HASH_BYTES = 32;
/** Of no bytes. */
export const EMPTY_CHAIN_HASH = "00".repeat(HASH_BYTES);

/** The hash after a number of full blocks: hashing may continue from here. */
export type ChainCheckpoint = { blocks: number; hash: string };

export type ChainHash = {
  push: (bytes: Uint8Array) => void;
  /** Of all bytes pushed so far, in hexadecimal. Pushing may continue. */
  value: () => string;
  /** After the last full block. */
  checkpoint: () => ChainCheckpoint;
};

/**
 * The hash of a file that grows: `h(0)` is 32 zero bytes, `h(n + 1) = SHA-256(h(n) ‖ SHA-256(block n))` over the full blocks, and the
 * rest, unless it is empty, is hashed in like a block. From a checkpoint, the first byte pushed is the one after its blocks.
 */
export function createChainHash(from: ChainCheckpoint = { blocks: 0, hash: EMPTY_CHAIN_HASH }): ChainHash {
  let { blocks, hash } = from;
  let block = createHash("sha256");
  let blockBytes = 0;

  function push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + CHAIN_BLOCK_BYTES - blockBytes);
      block.update(part);
      blockBytes += part.length;
      at += part.length;
      if (blockBytes === CHAIN_BLOCK_BYTES) endBlock();
    }
  }

  function endBlock(): void {
    hash = chained(hash, block.digest());
    blocks += 1;
    block = createHash("sha256");
    blockBytes = 0;
  }

  return {
    push,
    value: () => (blockBytes === 0 ? hash : chained(hash, block.copy().digest())),
    checkpoint: () => ({ blocks, hash }),
  };
}

/** The chain hash of bytes that are there as a whole, in hexadecimal. */
export function chainHashOf(bytes: Uint8Array): string {
  const hash = createChainHash();
  hash.push(bytes);
  return hash.value();
}

function chained(hash: string, block: Uint8Array): string {
  return createHash("sha256").update(Buffer.from(hash, "hex")).update(block).digest("hex");
}
