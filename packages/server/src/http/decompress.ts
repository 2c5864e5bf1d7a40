import { promisify } from "node:util";
import zlib from "node:zlib";
import { bodyTooLarge, ProblemError } from "./problem.ts";
import { createSemaphore } from "./semaphore.ts";

/** Each of them may fill memory up to the limit of a decompressed body; further bodies wait, still compressed. */
export const DECOMPRESSIONS_AT_ONCE_MAX = 4;

const gunzip = promisify(zlib.gunzip);
const zstdDecompress = promisify(zlib.zstdDecompress);
const decompressions = createSemaphore(DECOMPRESSIONS_AT_ONCE_MAX);

/** The bytes of a gzip or zstd body, never more than `bytes_max`. Throws ProblemError 400, 413 or 415. */
export async function decompress(
  bytes: Uint8Array,
  encoding: string,
  bytes_max: number,
): Promise<Uint8Array> {
  const method = methodOf(encoding);
  try {
    return await decompressions.run(() => method(bytes, { maxOutputLength: bytes_max }));
  } catch (error) {
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
  if (encoding === "gzip" || encoding === "x-gzip") return gunzip;
  if (encoding === "zstd") return zstdDecompress;
  throw new ProblemError({
    status: 415,
    code: "BODY_ENCODING_UNKNOWN",
    detail: "This Content-Encoding is not supported: use gzip, zstd or none.",
    headers: { "accept-encoding": "gzip, zstd" },
  });
}
