import type { TranscriptKind } from "@wharf/protocol";
import { chainHashOf, createPieceSplitter, type Piece } from "@wharf/transcripts";
import type { SentPart } from "../../db/transcripts/held-file.ts";
import { ValidationError } from "../../errors.ts";

/** Headers of a part, about the device's own file before redaction. */
export type SourceHeaders = {
  /** Hash of the bytes before the part. */
  offset_hash: string | null;
  /** Length of the file after the part. */
  bytes: number | null;
  /** Hash of the file after the part. */
  hash: string | null;
};

export type PartAsSent = {
  kind: TranscriptKind;
  offset: number;
  isFinal: boolean;
  source: SourceHeaders;
  body: Uint8Array;
};

/** What is kept of a part: whole lines, or everything of a kind that is no JSON lines. */
export type FramedPart = SentPart & Pick<Piece, "bytes" | "lines" | "is_torn">;

const NOTHING: Piece = { source_bytes: 0, bytes: new Uint8Array(), lines: 0, is_torn: false };

export function isJsonLines(kind: string): boolean {
  return kind === "main" || kind === "subagent";
}

/**
 * The whole lines of a part, and where they stand in the device's own file. Throws ValidationError when its headers and its body cannot
 * belong together.
 */
export function framePart(
  { kind, offset, isFinal, source, body }: PartAsSent,
  line_bytes_max: number,
): FramedPart {
  const piece = isJsonLines(kind) ? wholeLines(body, isFinal, line_bytes_max) : wholeFile(body);
  const cut = body.length - piece.source_bytes;
  const source_end = (source.bytes ?? offset + body.length) - cut;
  if (source_end < offset || piece.source_bytes > 0 !== source_end > offset) throw inconsistent();
  return {
    source_start: offset,
    source_end,
    source_hash: hashOf({ offset, source, cut, whole: body.subarray(0, piece.source_bytes) }),
    sent_hash: sha256(piece.bytes),
    bytes: piece.bytes,
    lines: piece.lines,
    is_torn: piece.is_torn,
  };
}

function wholeLines(body: Uint8Array, isFinal: boolean, line_bytes_max: number): Piece {
  const splitter = createPieceSplitter({ line_bytes_max });
  splitter.push(body);
  return (isFinal ? splitter.end() : splitter.cut()) ?? NOTHING;
}

function wholeFile(body: Uint8Array): Piece {
  const splitter = createPieceSplitter({ line_bytes_max: Number.POSITIVE_INFINITY });
  splitter.push(body);
  return { ...(splitter.end() ?? NOTHING), is_torn: false };
}

type HashSources = { offset: number; source: SourceHeaders; cut: number; whole: Uint8Array };

/** Without headers the body is the device's own bytes, so that the hash of a file from its start can be computed here. */
function hashOf({ offset, source, cut, whole }: HashSources): string | null {
  if (source.hash !== null) return cut === 0 ? source.hash : null;
  return offset === 0 && source.bytes === null ? chainHashOf(whole) : null;
}

export function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

function inconsistent(): ValidationError {
  return new ValidationError(
    "Source-Bytes does not fit offset and body: it is the length of the device's file after this part.",
    "VALIDATION_FAILED",
  );
}
