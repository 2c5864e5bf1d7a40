import type { MiddlewareHandler } from "hono";
import type { Limits } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import { createBodyMemory } from "./body-memory.ts";
import { ProblemError, RETRY_AFTER_S } from "./problem.ts";
import { type AppEnv, bodyOwner } from "./request-context.ts";

export type ResponseMemoryOptions = {
  limits: Pick<Limits, "response_memory_bytes" | "response_send_ms">;
  onRefusal?: () => void;
};

/** Sends a response of the key `owner` (null: a client without a key). Throws ProblemError 503 when there is no room for its body. */
export type SendResponse = (response: Response, owner: string | null) => Promise<Response>;

/**
 * Up to here Bun 1.4.5 writes head and body together. Above, when the handler awaited something, it writes each header's name,
 * colon and value by a system call (and packet) of its own: 36 of them instead of 2. The head of a stream is written together.
 */
const UNSTREAMED_BYTES_MAX = 15 * 1024;
/** A smaller request body, unless it is compressed, holds too few events for a large response. */
const BATCH_BYTES_MIN = 8 * 1024;
/** What Bun copies of a body at once while the client does not read. */
const PIECE_BYTES = 64 * 1024;

/** Middleware: counts large responses until their clients have taken them; refuses with 503 when there is no room. */
export function limitResponseMemory(limits: Limits, { refusals }: ServerMetrics): MiddlewareHandler<AppEnv> {
  const send = createResponseMemory({ limits, onRefusal: () => refusals.add(1, "response_memory") });

  return async function countResponseBytes(c, next) {
    await next();
    if (c.get("isStreamed") === true || !mayBeLarge(c.req.raw)) return;
    const { res } = c;
    // Else Hono would copy the response, and its headers onto a refusal.
    c.res = undefined;
    c.res = await send(res, bodyOwner(c));
  };
}

/** The response to GET, or to a batch with a result for each event. The body of HEAD is never sent. */
function mayBeLarge({ method, headers }: Request): boolean {
  if (method === "GET" || method === "HEAD") return method === "GET";
  if (headers.has("content-encoding")) return true;
  return Number(headers.get("content-length") ?? BATCH_BYTES_MIN) >= BATCH_BYTES_MIN;
}

/**
 * The memory of unread responses: each larger body is counted until the client has received it, the connection closes, or
 * `response_send_ms` pass, which closes the connection.
 */
export function createResponseMemory({ limits, onRefusal }: ResponseMemoryOptions): SendResponse {
  const memory = createBodyMemory({
    bytes_max: limits.response_memory_bytes,
    refusal: () => {
      onRefusal?.();
      return notRead();
    },
  });

  return async function send(response, owner) {
    if (response.body === null) return response;
    const body = await response.bytes();
    if (body.byteLength < UNSTREAMED_BYTES_MAX) return new Response(body, response);
    memory.take(owner, 0, body.byteLength);
    const release = () => memory.giveBack(owner, body.byteLength);
    return new Response(streamOf(body, limits.response_send_ms, release), response);
  };
}

/** In pieces, so that Bun never copies the whole body. `release` is called once in every case. */
function streamOf(body: Uint8Array, sendMs: number, release: () => void): ReadableStream {
  let rest: Uint8Array | null = body;
  const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
  const deadline = setTimeout(giveUp, sendMs);
  deadline.unref();
  void late.then(finish);

  function finish(): void {
    if (rest === null) return;
    rest = null;
    clearTimeout(deadline);
    release();
  }

  async function writePieces(controller: ReadableStreamDirectController): Promise<void> {
    while (rest !== null && rest.byteLength > 0) {
      const piece = rest.subarray(0, PIECE_BYTES);
      rest = rest.subarray(PIECE_BYTES);
      await controller.write(piece);
    }
  }

  return new ReadableStream({
    type: "direct",
    // Awaited, so that a drain waits until the client has received everything.
    async pull(controller) {
      await Promise.race([writePieces(controller), late]);
      // Bun resets the connection of a stream that fails: the client must not take a part for the whole.
      if (rest === null) throw new Error(`the client did not take its response within ${sendMs} ms`);
      finish();
      await controller.end();
    },
    // Called when the client has closed the connection, or nothing moved on it for Bun's idleTimeout.
    cancel: finish,
  });
}

function notRead(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "RESPONSE_MEMORY_FULL",
    detail: "Too many unread responses of this key. Read them, then retry, or request smaller pages.",
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}
