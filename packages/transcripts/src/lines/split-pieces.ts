import { createHash, type Hash } from "node:crypto";

/** Some whole lines of a file. */
export type Piece = {
  /** Bytes of the file that it stands for. */
  source_bytes: number;
  /** The lines as they are kept: a line that is too long is a placeholder. */
  bytes: Uint8Array<ArrayBuffer>;
  lines: number;
  /** Its last line has no newline. */
  is_torn: boolean;
};

export type PieceSplitter = {
  /** The pieces that are full. The bytes must not change until their piece is taken. */
  push: (bytes: Uint8Array) => Piece[];
  /** The whole lines that are held; null when there are none. */
  cut: () => Piece | null;
  /** All that is held, with a last line without a newline; null when there is nothing. */
  end: () => Piece | null;
};

export type PieceSplitterOptions = {
  /** A piece is full with the line that reaches this. Default: only `cut` and `end` make pieces. */
  piece_bytes?: number;
  line_bytes_max: number;
};

const NEWLINE = 0x0a;

/** Stands for a line that is too long to keep: its size in bytes without the newline, and their SHA-256. */
export function oversizedLine(bytes: number, sha256: string): string {
  return JSON.stringify({ type: "wharf_oversized_line", bytes, sha256 });
}

/** Cuts a file into pieces of whole lines. Holds one piece, and of a line that is longer than `line_bytes_max` nothing but its hash. */
export function createPieceSplitter(options: PieceSplitterOptions): PieceSplitter {
  const { piece_bytes = Number.POSITIVE_INFINITY, line_bytes_max } = options;
  let whole: Uint8Array[] = [];
  let wholeBytes = 0;
  let sourceBytes = 0;
  let lines = 0;
  const line = createOpenLine(line_bytes_max);

  function keep(bytes: Uint8Array, source: number, count: number): void {
    whole.push(bytes);
    wholeBytes += bytes.length;
    sourceBytes += source;
    lines += count;
  }

  function take(is_torn: boolean): Piece | null {
    if (sourceBytes === 0) return null;
    const piece = { source_bytes: sourceBytes, bytes: new Uint8Array(Buffer.concat(whole)), lines, is_torn };
    whole = [];
    wholeBytes = 0;
    sourceBytes = 0;
    lines = 0;
    return piece;
  }

  function endLine(): void {
    const { bytes, source_bytes } = line.take(true);
    keep(bytes, source_bytes, 1);
  }

  /** Where a run of whole lines ends that are short enough and fill no more than one piece. */
  function runAt(bytes: Uint8Array, from: number): { end: number; count: number } {
    let end = from;
    let count = 0;
    for (let at = from; at < bytes.length; at++) {
      if (bytes[at] !== NEWLINE) continue;
      if (at - end > line_bytes_max) break;
      end = at + 1;
      count += 1;
      if (wholeBytes + end - from >= piece_bytes) break;
    }
    return { end, count };
  }

  return {
    push(bytes) {
      const pieces: Piece[] = [];
      for (let from = 0; from < bytes.length; ) {
        const run = line.isEmpty() ? runAt(bytes, from) : { end: from, count: 0 };
        if (run.count > 0) {
          keep(bytes.subarray(from, run.end), run.end - from, run.count);
          from = run.end;
        } else {
          const newline = bytes.indexOf(NEWLINE, from);
          const end = newline === -1 ? bytes.length : newline + 1;
          line.hold(bytes.subarray(from, end));
          if (newline !== -1) endLine();
          from = end;
        }
        const piece = wholeBytes >= piece_bytes ? take(false) : null;
        if (piece !== null) pieces.push(piece);
      }
      return pieces;
    },
    cut: () => take(false),
    end() {
      const isTorn = !line.isEmpty();
      if (isTorn) {
        const { bytes, source_bytes } = line.take(false);
        keep(bytes, source_bytes, 1);
      }
      return take(isTorn);
    },
  };
}

/** A line of which the newline is still to come. */
function createOpenLine(bytesMax: number) {
  let parts: Uint8Array[] = [];
  let size = 0;
  let oversized: Hash | null = null;

  function hold(part: Uint8Array): void {
    const isEnded = part.at(-1) === NEWLINE;
    size += part.length;
    if (oversized === null && size - (isEnded ? 1 : 0) > bytesMax) {
      oversized = createHash("sha256");
      for (const held of parts) oversized.update(held);
      parts = [];
    }
    if (oversized === null) parts.push(part);
    else oversized.update(isEnded ? part.subarray(0, -1) : part);
  }

  function take(isEnded: boolean): { bytes: Uint8Array; source_bytes: number } {
    const source_bytes = size;
    const bytes =
      oversized === null
        ? Buffer.concat(parts)
        : Buffer.from(
            `${oversizedLine(size - (isEnded ? 1 : 0), oversized.digest("hex"))}${isEnded ? "\n" : ""}`,
          );
    parts = [];
    size = 0;
    oversized = null;
    return { bytes, source_bytes };
  }

  return { hold, take, isEmpty: () => size === 0 };
}
