import type { FileHandle } from "node:fs/promises";

const TAIL_BYTES = 2000;

/** The end of a file as text, at most `bytes` of it. */
export async function tailOf(file: FileHandle, bytes = TAIL_BYTES): Promise<string> {
  const { size } = await file.stat();
  const start = Math.max(0, size - bytes);
  const { bytesRead, buffer } = await file.read(new Uint8Array(bytes), 0, bytes, start);
  const text = new TextDecoder().decode(buffer.subarray(0, bytesRead));
  // The first character may have been cut in two.
  return text.replace(/^\ufffd+/, "").trimEnd();
}
