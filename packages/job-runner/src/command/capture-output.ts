import { closeSync, fchownSync, openSync, writeSync } from "node:fs";
import type { SystemCalls } from "./system-calls.ts";

export type OutputCapture = {
  /** What Bun.spawn is given for the stream. */
  readonly target: number | "pipe";
  /** Resolves once every process has closed its end. `piped` is what Bun.spawn answers for "pipe". */
  drain(piped: ReadableStream<Uint8Array> | undefined): Promise<void>;
};

/** Says of so many bytes how many of them may still be written. */
export type Admit = (bytes: number) => number;

/**
 * Writes what comes out of a command into a file that is there, as far as it is admitted. Reads on when it is not, so that the command does not
 * hang on a full pipe before it is ended.
 *
 * A pipe of the kernel, since Bun's own "pipe" is a socket, and programs that open /dev/stdout fail on one.
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
