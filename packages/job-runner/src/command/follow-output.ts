import type { FileHandle } from "node:fs/promises";
import { OUTPUT_NAMES, type Outputs } from "./outputs.ts";

const READ_EVERY_MS = 500;
const READ_BYTES = 65_536;
/** Per stream; the complete output is in the artifact store. */
const LINES_MAX = 500;
const LINE_CHARACTERS_MAX = 2000;

/**
 * Passes on the output of a running command, line by line, up to a number of lines. `stop` passes on the rest. Never throws.
 */
export function followOutput(
  outputs: Outputs,
  onLine: (stream: string, line: string) => void,
): {
  stop: () => Promise<void>;
} {
  const followed = OUTPUT_NAMES.map((stream) => followFile(outputs[stream], (line) => onLine(stream, line)));
  let reading: Promise<unknown> = Promise.resolve();
  const timer = setInterval(read, READ_EVERY_MS);

  /** Sequential, because each read continues where the previous one ended. */
  function read() {
    reading = reading.then(() => Promise.all(followed.map((file) => file.read().catch(() => undefined))));
  }

  async function stop(): Promise<void> {
    clearInterval(timer);
    read();
    await reading;
    for (const file of followed) file.end();
  }

  return { stop };
}

function followFile(file: FileHandle, onLine: (line: string) => void) {
  const decoder = new TextDecoder();
  let position = 0;
  let linesLeft = LINES_MAX;
  let partial = "";

  /** Reads from the last position to the current end of the file. */
  async function read(): Promise<void> {
    if (linesLeft === 0) return;
    for (;;) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(READ_BYTES), 0, READ_BYTES, position);
      position += bytesRead;
      take(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }));
      if (bytesRead < READ_BYTES || linesLeft === 0) return;
    }
  }

  function take(text: string) {
    const lines = (partial + text).split("\n");
    partial = (lines.pop() ?? "").slice(0, LINE_CHARACTERS_MAX);
    for (const line of lines) say(line);
  }

  function end() {
    if (partial !== "") say(partial);
  }

  function say(line: string) {
    if (linesLeft === 0) return;
    linesLeft -= 1;
    onLine(line.slice(0, LINE_CHARACTERS_MAX));
  }

  return { read, end };
}
