import type { Context } from "hono";
import { OverloadError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { SMALL_BODY_BYTES_MAX } from "./body-memory.ts";
import { type AppEnv, takeBodyBytes } from "./context.ts";
import { createDeadline, type Deadline } from "./deadline.ts";
import { decompress } from "./decompress.ts";
import { bodyTooLarge, ProblemError } from "./problem.ts";

export type BodyBytes = Uint8Array;

const decoder = new TextDecoder("utf-8", { fatal: true });
/** By their milliseconds: those of one process are all the same. */
const deadlines = new Map<number, Deadline>();

/**
 * The request's body: received within a deadline, decompressed (gzip, zstd), and bounded as sent and afterwards.
 * Throws ProblemError 400, 408, 413 or 415. No async function: that one cost each event that comes alone 4 of 50 µs.
 */
export function readBody(c: Context<AppEnv>, limits: Limits): Promise<BodyBytes> {
  const encoding = encodingOf(c);
  const received = receive(c, limits);
  if (encoding === "identity") return received;
  return received.then((bytes) =>
    decompress(bytes, encoding, limits.decompressed_body_bytes, (more) => takeBodyBytes(c, more)),
  );
}

/** As readBody, for senders without a key: compressed bodies are refused. Throws ProblemError 400, 408, 413 or 415. */
export async function readPlainBody(c: Context<AppEnv>, limits: Limits): Promise<BodyBytes> {
  if (encodingOf(c) === "identity") return await receive(c, limits);
  throw new ProblemError({
    status: 415,
    code: "BODY_ENCODING_UNKNOWN",
    detail: "This route takes no Content-Encoding: send the body as it is.",
    headers: { "accept-encoding": "identity" },
  });
}

function encodingOf(c: Context<AppEnv>): string {
  return (c.req.header("content-encoding") ?? "").trim().toLowerCase() || "identity";
}

/**
 * A small body of a declared length is read at once, which costs a third less than by chunks, and counted beforehand: how much of
 * it has come cannot be seen. Any other is counted as it comes, for a length is declared without sending anything.
 */
function receive(c: Context<AppEnv>, limits: Limits): Promise<BodyBytes> {
  const length = Number(c.req.header("content-length") ?? Number.NaN);
  if (length > limits.body_bytes) throw bodyTooLarge(limits.body_bytes, "as sent");
  if (c.env.caller === null || !(length <= SMALL_BODY_BYTES_MAX))
    return within(receiveChunks(c, limits.body_bytes), limits.body_receive_ms);
  takeBodyBytes(c, length);
  return within(c.req.raw.bytes(), limits.body_receive_ms);
}

/** By hand: Promise.race would make a promise for the deadline and wait for both, for every event that comes alone. */
function within(body: Promise<BodyBytes>, ms: number): Promise<BodyBytes> {
  return new Promise((resolve, reject) => {
    const done = deadlineOf(ms).start(() => reject(tooSlow(ms)));
    void body.then(
      (bytes) => {
        done();
        resolve(bytes);
      },
      (error) => {
        done();
        // All that can go wrong with a body, but for what was refused, is that its sender went away.
        reject(isRefusal(error) ? error : aborted());
      },
    );
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof ProblemError || error instanceof OverloadError;
}

function deadlineOf(ms: number): Deadline {
  const deadline = deadlines.get(ms) ?? createDeadline(ms);
  deadlines.set(ms, deadline);
  return deadline;
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

function tooSlow(ms: number): ProblemError {
  return new ProblemError({
    status: 408,
    code: "BODY_TOO_SLOW",
    detail: `The body did not arrive within ${ms} ms.`,
    headers: { connection: "close" },
  });
}

function aborted(): ProblemError {
  return new ProblemError({
    status: 400,
    code: "BODY_INCOMPLETE",
    detail: "The connection ended before the whole body had come: send it again.",
    headers: { connection: "close" },
  });
}
