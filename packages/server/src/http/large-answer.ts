/** Where Bun stops gathering an answer before it sends it. */
const GATHERED_BYTES_MAX = 15 * 1024;

/**
 * An answer whose head leaves in one piece. Bun 1.4.5 sends each header's name, colon and value by a system call (and packet) of
 * its own when a handler that awaited something answers with more than 15 KiB: 36 of them where 2 do. A stream's head is gathered.
 */
export async function withWholeHead(response: Response): Promise<Response> {
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  if (!isJson) return response;
  const body = new Uint8Array(await response.arrayBuffer());
  return new Response(body.byteLength < GATHERED_BYTES_MAX ? body : streamOf(body), response);
}

function streamOf(body: Uint8Array<ArrayBuffer>): ReadableStream {
  return new ReadableStream({
    type: "direct",
    // Awaited, so that the request counts as under way, and a drain waits for it, until its reader has taken everything.
    async pull(controller) {
      await controller.write(body);
      await controller.end();
    },
  });
}
