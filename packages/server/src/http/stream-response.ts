import type { Context } from "hono";
import { OverloadError } from "../errors.ts";
import type { AppEnv } from "./request-context.ts";

export type StreamResponse = (
  c: Context<AppEnv>,
  contentType: string,
  chunks: AsyncGenerator<Uint8Array<ArrayBuffer>>,
) => Response;

/** Each holds one chunk, up to a segment of a transcript, for as long as its client takes to receive it. */
const STREAMS_MAX = 6;
/** A client that takes longer loses its connection. */
const SEND_MS = 10 * 60_000;

/**
 * Answers with the chunks as the client takes them; a failure, or a client that takes too long, closes the connection, so that no part is
 * taken for the whole. Throws OverloadError while STREAMS_MAX responses are under way.
 */
export function createStreamResponse(sendMs = SEND_MS): StreamResponse {
  let open = 0;

  return function streamResponse(c, contentType, chunks) {
    if (c.req.method === "HEAD") return c.body(null, 200, { "content-type": contentType });
    if (open >= STREAMS_MAX) throw tooMany();
    open += 1;
    let isOpen = true;
    const late = setTimeout(() => close(), sendMs);
    late.unref();

    function close(): void {
      if (!isOpen) return;
      isOpen = false;
      open -= 1;
      clearTimeout(late);
    }

    const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          if (!isOpen) throw new Error("the client did not take its response in time");
          try {
            const next = await chunks.next();
            if (next.done !== true) return controller.enqueue(next.value);
          } catch (error) {
            close();
            throw error;
          }
          close();
          controller.close();
        },
        cancel: async () => {
          close();
          await chunks.return(undefined);
        },
      },
      { highWaterMark: 0 },
    );
    c.set("isStreamed", true);
    return c.body(body, 200, { "content-type": contentType });
  };
}

function tooMany(): OverloadError {
  return new OverloadError("Too many downloads at the same time. Retry.", "DOWNLOADS_TOO_MANY");
}
