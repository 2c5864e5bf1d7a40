import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Context } from "hono";
import type { Limits } from "../limits.ts";
import { ProblemError } from "./problem.ts";

const gunzip = promisify(zlib.gunzip);
const zstdDecompress = promisify(zlib.zstdDecompress);

/**
 * The request's body as text: received within a deadline, decompressed (gzip, zstd), and bounded as sent and afterwards.
 * Throws ProblemError 400, 408, 413 or 415.
 */
export async function readBody(c: Context, limits: Limits): Promise<string> {
  const declared = Number(c.req.header("content-length") ?? Number.NaN);
  if (declared > limits.body_bytes) throw tooLarge(limits.body_bytes, "as sent");
  const encoding = (c.req.header("content-encoding") ?? "identity").trim().toLowerCase();
  const body = c.req.raw.body;
  if (body === null) return "";
  const bytes = await receive(body, limits);
  if (encoding === "identity") return decodeText(bytes);
  return decodeText(await decompress(bytes, encoding, limits.decompressed_body_bytes));
}

async function receive(body: ReadableStream<Uint8Array>, limits: Limits): Promise<Uint8Array> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const timer = setTimeout(() => void reader.cancel(), limits.body_receive_ms);
  const startedAt = performance.now();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.byteLength;
      if (length > limits.body_bytes) throw tooLarge(limits.body_bytes, "as sent");
      chunks.push(value);
    }
  } finally {
    clearTimeout(timer);
  }
  if (performance.now() - startedAt >= limits.body_receive_ms) throw tooSlow(limits.body_receive_ms);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length);
}

async function decompress(bytes: Uint8Array, encoding: string, bytes_max: number): Promise<Uint8Array> {
  const options = { maxOutputLength: bytes_max };
  try {
    if (encoding === "gzip" || encoding === "x-gzip") return await gunzip(bytes, options);
    if (encoding === "zstd") return await zstdDecompress(bytes, options);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(bytes_max, "decompressed");
    }
    throw new ProblemError({
      status: 400,
      code: "BODY_NOT_DECOMPRESSED",
      detail: `The body is not valid ${encoding}.`,
    });
  }
  throw new ProblemError({
    status: 415,
    code: "BODY_ENCODING_UNKNOWN",
    detail: "This Content-Encoding is not supported: use gzip, zstd or none.",
    headers: { "accept-encoding": "gzip, zstd" },
  });
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ProblemError({ status: 400, code: "BODY_NOT_UTF8", detail: "The body is not valid UTF-8." });
  }
}

function tooLarge(bytes_max: number, state: string): ProblemError {
  return new ProblemError({
    status: 413,
    code: "BODY_TOO_LARGE",
    detail: `The body is larger than ${bytes_max} bytes ${state}: send fewer events at a time.`,
    headers: { connection: "close" },
  });
}

function tooSlow(ms: number): ProblemError {
  return new ProblemError({
    status: 408,
    code: "BODY_TOO_SLOW",
    detail: `The body did not arrive within ${ms} ms.`,
    headers: { connection: "close" },
  });
}
