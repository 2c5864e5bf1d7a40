import { promisify } from "node:util";
import zlib from "node:zlib";
import { bodyTooLarge, ProblemError } from "./problem.ts";
import { createSemaphore } from "./semaphore.ts";

/** Each of them may fill memory up to the limit of a decompressed body; further bodies wait, still compressed. */
export const DECOMPRESSIONS_AT_ONCE_MAX = 2;
/** zstd is decompressed on the event loop: 4 MiB take about 5 ms, after which other requests have a turn. */
const TURN_BYTES = 4 * 1024 * 1024;

const gunzip = promisify(zlib.gunzip);
const decompressions = createSemaphore(DECOMPRESSIONS_AT_ONCE_MAX);

/** The bytes of a gzip or zstd body, never more than `bytes_max`. Throws ProblemError 400, 413 or 415. */
export async function decompress(
  bytes: Uint8Array,
  encoding: string,
  bytes_max: number,
): Promise<Uint8Array> {
  const method = methodOf(encoding);
  try {
    return await decompressions.run(() => method(bytes, bytes_max));
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw bodyTooLarge(bytes_max, "decompressed");
    }
    throw new ProblemError({
      status: 400,
      code: "BODY_NOT_DECOMPRESSED",
      detail: `The body is not valid ${encoding}.`,
    });
  }
}

function methodOf(encoding: string) {
  if (encoding === "gzip" || encoding === "x-gzip") return decompressGzip;
  if (encoding === "zstd") return decompressZstd;
  throw new ProblemError({
    status: 415,
    code: "BODY_ENCODING_UNKNOWN",
    detail: "This Content-Encoding is not supported: use gzip, zstd or none.",
    headers: { "accept-encoding": "gzip, zstd" },
  });
}

async function decompressGzip(bytes: Uint8Array, bytes_max: number): Promise<Uint8Array> {
  return await gunzip(bytes, { maxOutputLength: bytes_max });
}

/**
 * By the web's stream: zlib.zstdDecompress of Bun 1.4.5 takes a frame that was cut short, or that something else follows, for a
 * whole body. The stream refuses both; frames one after another and skippable frames are taken.
 */
async function decompressZstd(bytes: Uint8Array, bytes_max: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let turnEnds = TURN_BYTES;
  for await (const chunk of new Blob([bytes]).stream().pipeThrough(new DecompressionStream("zstd"))) {
    length += chunk.byteLength;
    if (length > bytes_max) throw bodyTooLarge(bytes_max, "decompressed");
    chunks.push(chunk);
    if (length < turnEnds) continue;
    turnEnds = length + TURN_BYTES;
    await new Promise(setImmediate);
  }
  return Buffer.concat(chunks, length);
}
