import { createHash, type Hash } from "node:crypto";

/** A physical line. Offsets are bytes of the file; `end` is behind the newline. */
export type Line = { start: number; end: number } & (
  | { text: string }
  /** Longer than the limit: only its size and its hash are kept. */
  | { oversized_bytes: number; sha256: string }
);

export type LineSplitter = {
  /** The lines that end within these bytes. */
  push: (bytes: Uint8Array) => Line[];
  /** Bytes behind the last newline: a line that is still being written. Reading continues at its start. */
  torn: () => { start: number; bytes: number };
};

export type LineSplitterOptions = {
  /** Where the first pushed byte stands in the file: the start of a line. */
  offset?: number;
  line_bytes_max: number;
};

const NEWLINE = 0x0a;

/**
 * Splits a file at newlines, and at nothing else: U+2028 and a lone CR stand inside lines. Holds one line at most, and of a line that is
 * longer than `line_bytes_max` nothing but its hash.
 */
export function createLineSplitter({ offset = 0, line_bytes_max }: LineSplitterOptions): LineSplitter {
  const decoder = new TextDecoder();
  let start = offset;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let oversized: Hash | null = null;

  function hold(part: Uint8Array): void {
    pendingBytes += part.length;
    if (oversized === null && pendingBytes > line_bytes_max) {
      oversized = createHash("sha256");
      for (const held of pending) oversized.update(held);
      pending = [];
    }
    if (oversized !== null) oversized.update(part);
    // A copy: the sender may reuse its buffer.
    else if (part.length > 0) pending.push(part.slice());
  }

  function endLine(part: Uint8Array): Line {
    const bytes = pendingBytes + part.length;
    const place = { start, end: start + bytes + 1 };
    let line: Line;
    if (pendingBytes === 0 && bytes <= line_bytes_max) line = { ...place, text: decoder.decode(part) };
    else {
      hold(part);
      line =
        oversized === null
          ? { ...place, text: decoder.decode(Buffer.concat(pending)) }
          : { ...place, oversized_bytes: bytes, sha256: oversized.digest("hex") };
    }
    start = place.end;
    pending = [];
    pendingBytes = 0;
    oversized = null;
    return line;
  }

  return {
    push(bytes) {
      const lines: Line[] = [];
      let from = 0;
      for (let newline = bytes.indexOf(NEWLINE); newline !== -1; newline = bytes.indexOf(NEWLINE, from)) {
        lines.push(endLine(bytes.subarray(from, newline)));
        from = newline + 1;
      }
      hold(bytes.subarray(from));
      return lines;
    },
    torn: () => ({ start, bytes: pendingBytes }),
  };
}
