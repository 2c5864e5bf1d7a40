import { withTimeLimit } from "@wharf/job-runner";
import type { Context } from "hono";
import { OverloadError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { SMALL_BODY_BYTES_MAX } from "./body-memory.ts";
import { decompress } from "./decompress.ts";
import { bodyTooLarge, ProblemError } from "./problem.ts";
import { type AppEnv, takeBodyBytes } from "./request-context.ts";

export type BodyBytes = Uint8Array;

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The request body: received within a deadline, decompressed (gzip, zstd), and limited in size before and after decompression.
 * Throws ProblemError 400, 408, 413 or 415.
 */
export async function readBody(c: Context<AppEnv>, limits: Limits): Promise<BodyBytes> {
  const encoding = encodingOf(c);
  const received = await receive(c, limits);
  if (encoding === "identity") return received;
  return await decompress(received, encoding, limits.decompressed_body_bytes, (bytes) =>
    takeBodyBytes(c, bytes),
  );
}

/** As readBody, for clients without a key: compressed bodies are refused. Throws ProblemError 400, 408, 413 or 415. */
export async function readPlainBody(c: Context<AppEnv>, limits: Limits): Promise<BodyBytes> {
  if (encodingOf(c) === "identity") return await receive(c, limits);
  throw new ProblemError({
    status: 415,
    code: "BODY_ENCODING_UNKNOWN",
    detail: "This route accepts no Content-Encoding. Send the body uncompressed.",
    headers: { "accept-encoding": "identity" },
  });
}

export function encodingOf(c: Context<AppEnv>): string {
  return (c.req.header("content-encoding") ?? "").trim().toLowerCase() || "identity";
}

/**
 * A small body of a declared length is read at once, which costs a third less than by chunks, and counted before it arrives. Any
 * other body is counted chunk by chunk: a large length can be declared without sending anything.
 */
async function receive(c: Context<AppEnv>, limits: Limits): Promise<BodyBytes> {
  const length = Number(c.req.header("content-length") ?? Number.NaN);
  if (length > limits.body_bytes) throw bodyTooLarge(limits.body_bytes, "as sent");
  if (c.get("caller") === undefined || !(length <= SMALL_BODY_BYTES_MAX))
    return await within(receiveChunks(c, limits.body_bytes), limits.body_receive_ms);
  takeBodyBytes(c, length);
  return await within(c.req.raw.bytes(), limits.body_receive_ms);
}

/** The body, or ProblemError 408 after `ms`, or 400 when the client closed the connection. */
async function within(body: Promise<BodyBytes>, ms: number): Promise<BodyBytes> {
  try {
    return await withTimeLimit(body, ms, () => {
      throw tooSlow(ms);
    });
  } catch (error) {
    // A body that was not refused fails only when its sender disconnects.
    throw isRefusal(error) ? error : aborted();
  }
}

export function isRefusal(error: unknown): boolean {
  return error instanceof ProblemError || error instanceof OverloadError;
}

async function receiveChunks(c: Context<AppEnv>, bytes_max: number): Promise<BodyBytes> {
  const { body } = c.req.raw;
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > bytes_max) throw bodyTooLarge(bytes_max, "as sent");
    takeBodyBytes(c, chunk.byteLength);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Throws ProblemError 400 for bytes that are not UTF-8. */
export function decodeBody(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text !== null) return text;
  throw new ProblemError({ status: 400, code: "BODY_NOT_UTF8", detail: "The body is not valid UTF-8." });
}

/** Null: the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

export function tooSlow(ms: number): ProblemError {
  return new ProblemError({
    status: 408,
    code: "BODY_TOO_SLOW",
    detail: `The request body was not received within ${ms} ms.`,
    headers: { connection: "close" },
  });
}

export function aborted(): ProblemError {
  return new ProblemError({
    status: 400,
    code: "BODY_INCOMPLETE",
    detail: "The connection closed before the body was complete. Retry.",
    headers: { connection: "close" },
  });
}
