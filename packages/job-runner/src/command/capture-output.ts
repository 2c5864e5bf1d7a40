import { closeSync, fchownSync, openSync, writeSync } from "node:fs";
import type { SystemCalls } from "./system-calls.ts";

export type OutputCapture = {
  /** The stream's option for Bun.spawn. */
  readonly target: number | "pipe";
  /** Resolves when every process has closed its end. `piped` is the stream of Bun.spawn for "pipe". */
  drain(piped: ReadableStream<Uint8Array> | undefined): Promise<void>;
};

/** Returns how many of a number of bytes may still be written. */
export type Admit = (bytes: number) => number;

/**
 * Writes the output of a command into an existing file, up to its limit. Continues to read beyond it, so that the command does not
 * block on a full pipe before it is ended.
 *
 * Uses a pipe of the kernel, because Bun's "pipe" is a socket, on which programs fail to open /dev/stdout.
 */
export function captureOutput(
  path: string,
  {
    systemCalls,
    userId,
    admit,
  }: { systemCalls: SystemCalls | undefined; userId: number | null; admit: Admit },
): OutputCapture {
  const file = openSync(path, "r+");
  const [readEnd, writeEnd] = systemCalls?.openPipe() ?? [];
  // Only the owner of a pipe may open it as /dev/stdout.
  if (writeEnd !== undefined && userId !== null) fchownSync(writeEnd, userId, userId);

  async function drain(piped: ReadableStream<Uint8Array> | undefined) {
    if (writeEnd !== undefined) closeSync(writeEnd);
    const stream = readEnd === undefined ? piped : Bun.file(readEnd).stream();
    for await (const chunk of stream ?? []) writeAll(file, chunk.subarray(0, admit(chunk.length)));
    closeSync(file);
  }

  return { target: writeEnd ?? "pipe", drain };
}

function writeAll(file: number, bytes: Uint8Array) {
  for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from);
}
