import { open } from "node:fs/promises";

const TAIL_BYTES = 2000;

/** The end of a file as text, at most TAIL_BYTES of it. */
export async function tailOf(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { bytesRead, buffer } = await file.read(new Uint8Array(TAIL_BYTES), 0, TAIL_BYTES, start);
    const text = new TextDecoder().decode(buffer.subarray(0, bytesRead));
    // The first character may have been cut in two.
    return text.replace(/^\ufffd+/, "").trimEnd();
  } finally {
    await file.close();
  }
}
