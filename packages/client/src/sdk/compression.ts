export type Compressed = { encoding: "gzip" | "zstd"; bytes: Uint8Array<ArrayBuffer> };
export type Compress = (bytes: Uint8Array<ArrayBuffer>) => Promise<Compressed>;

/** Below it, compression saves less than it costs. */
export const COMPRESSED_BYTES_MIN = 1_024;

/** gzip by the platform: browsers, Node and Bun. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Compressed> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return { encoding: "gzip", bytes: new Uint8Array(await new Response(stream).arrayBuffer()) };
}
