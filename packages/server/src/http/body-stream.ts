import { withTimeLimit } from "@wharf/job-runner";
import type { Context } from "hono";
import { aborted, encodingOf, isRefusal, tooSlow } from "./body.ts";
import { notDecompressed, unknownEncoding } from "./decompress.ts";
import { bodyTooLarge } from "./problem.ts";
import { type AppEnv, takeBodyBytes } from "./request-context.ts";

export type BodyStreamLimits = {
  /** As sent, and decompressed. */
  bytes_max: number;
  receive_ms: number;
  /** What the reader holds of it at once: counted as the request's memory. */
  held_bytes: number;
};

type Format = "gzip" | "zstd";
const FORMATS: Readonly<Record<string, Format>> = { gzip: "gzip", "x-gzip": "gzip", zstd: "zstd" };

/**
 * A large body as it arrives, decompressed (gzip, zstd). Throws ProblemError 400, 408, 413 or 415 where it is read, and OverloadError
 * when the process holds too many bodies.
 */
export async function* readBodyChunks(
  c: Context<AppEnv>,
  { bytes_max, receive_ms, held_bytes }: BodyStreamLimits,
): AsyncGenerator<Uint8Array> {
  const encoding = encodingOf(c);
  const format = FORMATS[encoding];
  if (encoding !== "identity" && format === undefined) throw unknownEncoding();
  if (Number(c.req.header("content-length") ?? 0) > bytes_max) throw bodyTooLarge(bytes_max, "as sent");
  takeBodyBytes(c, held_bytes);
  const { body } = c.req.raw;
  if (body === null) return;
  const chunks = format === undefined ? body : body.pipeThrough(new DecompressionStream(format));
  const state = format === undefined ? "as sent" : "decompressed";
  let length = 0;
  try {
    for await (const chunk of withinTime(chunks, receive_ms)) {
      length += chunk.byteLength;
      if (length > bytes_max) throw bodyTooLarge(bytes_max, state);
      yield chunk;
    }
  } catch (error) {
    if (isRefusal(error)) throw error;
    throw format === undefined || c.req.raw.signal.aborted ? aborted() : notDecompressed(encoding);
  }
}

/** Throws ProblemError 408 when not all of it came within `ms`. */
async function* withinTime(chunks: ReadableStream<Uint8Array>, ms: number): AsyncGenerator<Uint8Array> {
  const endMs = performance.now() + ms;
  const reader = chunks.getReader();
  const late = () => {
    throw tooSlow(ms);
  };
  try {
    for (;;) {
      const next = await withTimeLimit(reader.read(), Math.max(0, endMs - performance.now()), late);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Of what is not read, nothing is wanted any more.
    void reader.cancel().catch(() => undefined);
  }
}
