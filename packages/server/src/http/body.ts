import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Context } from "hono";
import type { Limits } from "../limits.ts";
import { ProblemError } from "./problem.ts";

const gunzip = promisify(zlib.gunzip);
const zstdDecompress = promisify(zlib.zstdDecompress);

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The request's body as text: received within a deadline, decompressed (gzip, zstd), and bounded as sent and afterwards.
 * Throws ProblemError 400, 408, 413 or 415.
 */
export async function readBody(c: Context, limits: Limits): Promise<string> {
  const encoding = (c.req.header("content-encoding") ?? "identity").trim().toLowerCase();
  const bytes = await receive(c, limits);
  if (encoding === "identity") return decodeText(bytes);
  return decodeText(await decompress(bytes, encoding, limits.decompressed_body_bytes));
}

/** A declared length is checked beforehand and then read at once: reading by chunks costs ten times as much. */
async function receive(c: Context, limits: Limits): Promise<Uint8Array> {
  const declared = c.req.header("content-length");
  if (declared !== undefined && Number(declared) > limits.body_bytes)
    throw tooLarge(limits.body_bytes, "as sent");
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow(limits.body_receive_ms)), limits.body_receive_ms);
  });
  try {
    const body = declared === undefined ? receiveChunks(c, limits.body_bytes) : c.req.raw.bytes();
    return await Promise.race([body, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

async function receiveChunks(c: Context, bytes_max: number): Promise<Uint8Array> {
  const { body } = c.req.raw;
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > bytes_max) throw tooLarge(bytes_max, "as sent");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
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
    return decoder.decode(bytes);
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
