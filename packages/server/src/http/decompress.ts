import { promisify } from "node:util";
import zlib from "node:zlib";
import pLimit from "p-limit";
import { OverloadError } from "../errors.ts";
import { bodyTooLarge, ProblemError } from "./problem.ts";

/** Each may fill memory up to the limit of a decompressed body; further bodies wait, still compressed. */
const CONCURRENT_DECOMPRESSIONS_MAX = 1;
/** zstd is decompressed on the event loop: after 4 MiB, about 5 ms, other requests run. */
const TURN_BYTES = 4 * 1024 * 1024;

/** ISIZE of RFC 1952: of the last member, modulo 2^32. */
const SIZE_BYTES = 4;

const gunzip = promisify(zlib.gunzip);
/** Of the process, which has one event loop. */
const withinConcurrencyLimit = pLimit(CONCURRENT_DECOMPRESSIONS_MAX);

/** Called with a number of bytes before they are kept; throws when there is no room for them. */
type Take = (bytes: number) => void;

/** The bytes of a gzip or zstd body, never more than `bytes_max`. Throws ProblemError 400, 413 or 415, and what `take` throws. */
export async function decompress(
  bytes: Uint8Array,
  encoding: string,
  bytes_max: number,
  take: Take,
): Promise<Uint8Array> {
  const method = methodOf(encoding);
  try {
    return await withinConcurrencyLimit(() => method(bytes, bytes_max, take));
  } catch (error) {
    if (error instanceof ProblemError || error instanceof OverloadError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw bodyTooLarge(bytes_max, "decompressed");
    }
    throw notDecompressed(encoding);
  }
}

export function notDecompressed(encoding: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: "BODY_NOT_DECOMPRESSED",
    detail: `The body is not valid ${encoding}.`,
  });
}

function methodOf(encoding: string) {
  if (encoding === "gzip" || encoding === "x-gzip") return decompressGzip;
  if (encoding === "zstd") return decompressZstd;
  throw unknownEncoding();
}

export function unknownEncoding(): ProblemError {
  return new ProblemError({
    status: 415,
    code: "BODY_ENCODING_UNKNOWN",
    detail: "Unsupported Content-Encoding. Use gzip, zstd or none.",
    headers: { "accept-encoding": "gzip, zstd" },
  });
}

/** Trusts the size at the end of the gzip format, so that a body that is too large is rejected before it fills memory. */
async function decompressGzip(bytes: Uint8Array, bytes_max: number, take: Take): Promise<Uint8Array> {
  const declared = Math.min(declaredSize(bytes), bytes_max);
  take(declared);
  const decompressed = await gunzip(bytes, { maxOutputLength: bytes_max });
  if (decompressed.byteLength > declared) take(decompressed.byteLength - declared);
  return decompressed;
}

function declaredSize(bytes: Uint8Array): number {
  if (bytes.byteLength < SIZE_BYTES) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.byteLength - SIZE_BYTES, true);
}

/**
 * Uses DecompressionStream: zlib.zstdDecompress of Bun 1.4.5 accepts truncated frames and trailing bytes. The stream rejects both,
 * and accepts several frames and skippable frames.
 */
async function decompressZstd(bytes: Uint8Array, bytes_max: number, take: Take): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let turnEnds = TURN_BYTES;
  for await (const chunk of new Blob([bytes]).stream().pipeThrough(new DecompressionStream("zstd"))) {
    length += chunk.byteLength;
    if (length > bytes_max) throw bodyTooLarge(bytes_max, "decompressed");
    take(chunk.byteLength);
    chunks.push(chunk);
    if (length < turnEnds) continue;
    turnEnds = length + TURN_BYTES;
    await new Promise(setImmediate);
  }
  return Buffer.concat(chunks, length);
}
