import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { type Compress, gzip } from "../sdk/compression.ts";

/** zstd where the runtime has it (Bun, Node 22.15), else gzip. */
export const compress: Compress = "zstdCompress" in zlib ? zstd : gzip;

async function zstd(bytes: Uint8Array<ArrayBuffer>): ReturnType<Compress> {
  return { encoding: "zstd", bytes: new Uint8Array(await promisify(zlib.zstdCompress)(bytes)) };
}
