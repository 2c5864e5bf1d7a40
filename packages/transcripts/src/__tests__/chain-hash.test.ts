import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { CHAIN_BLOCK_BYTES, chainHashOf, createChainHash, EMPTY_CHAIN_HASH } from "../lines/chain-hash.ts";

const sha256 = (...parts: Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const pattern = (size: number) => Uint8Array.from({ length: size }, (_, index) => index % 251);

describe("the chain hash of a file", () => {
  test("is 32 zero bytes for no bytes", () => {
    expect(chainHashOf(new Uint8Array())).toBe("0".repeat(64));
    expect(EMPTY_CHAIN_HASH).toBe("0".repeat(64));
  });

  // Computed by another implementation, in another language.
  const vectors: [string, Uint8Array, string][] = [
    ["abc", Buffer.from("abc"), "589f9ffed4c477966bfb8d41f37895b08c69047df8f911d6f3b57fbe08faee8d"],
    [
      "a block of the letter a",
      Buffer.alloc(CHAIN_BLOCK_BYTES, "a"),
      "ceb0a77c8134943493e5975cd3b3fcffa288748fa18e54d0b091d007ac77db67",
    ],
    [
      "two blocks and a byte of the letter a",
      Buffer.alloc(2 * CHAIN_BLOCK_BYTES + 1, "a"),
      "ef4737c5c75c67bd4cb168d22f453c2de4c73b941797dd765a45b4ccd1aad021",
    ],
  ];
  for (const [name, bytes, hash] of vectors)
    test(`of ${name} is ${hash}`, () => expect(chainHashOf(bytes)).toBe(hash));

  test("chains full blocks and hashes the rest in like a block", () => {
    const bytes = pattern(2 * CHAIN_BLOCK_BYTES + 5);
    const first = sha256(new Uint8Array(32), sha256(bytes.subarray(0, CHAIN_BLOCK_BYTES)));
    const second = sha256(first, sha256(bytes.subarray(CHAIN_BLOCK_BYTES, 2 * CHAIN_BLOCK_BYTES)));
    expect(chainHashOf(bytes.subarray(0, CHAIN_BLOCK_BYTES))).toBe(first.toString("hex"));
    expect(chainHashOf(bytes.subarray(0, 2 * CHAIN_BLOCK_BYTES))).toBe(second.toString("hex"));
    const rest = sha256(second, sha256(bytes.subarray(2 * CHAIN_BLOCK_BYTES)));
    expect(chainHashOf(bytes)).toBe(rest.toString("hex"));
  });

  test("does not depend on how the bytes are cut, and is known at any place on the way", () => {
    const bytes = pattern(CHAIN_BLOCK_BYTES + 1_000);
    const hash = createChainHash();
    let from = 0;
    for (const end of [
      0,
      1,
      77,
      CHAIN_BLOCK_BYTES - 1,
      CHAIN_BLOCK_BYTES,
      CHAIN_BLOCK_BYTES + 1,
      bytes.length,
    ]) {
      hash.push(bytes.subarray(from, end));
      expect(hash.value()).toBe(chainHashOf(bytes.subarray(0, end)));
      from = end;
    }
  });

  test("continues from a checkpoint with what was appended alone", () => {
    const bytes = pattern(3 * CHAIN_BLOCK_BYTES + 9);
    const hash = createChainHash();
    hash.push(bytes.subarray(0, 2 * CHAIN_BLOCK_BYTES + 100));
    const checkpoint = hash.checkpoint();
    expect(checkpoint.blocks).toBe(2);
    const continued = createChainHash(checkpoint);
    continued.push(bytes.subarray(checkpoint.blocks * CHAIN_BLOCK_BYTES));
    expect(continued.value()).toBe(chainHashOf(bytes));
  });
});
