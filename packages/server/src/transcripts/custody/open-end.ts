import { countMarkers, RULES_VERSION, restOfSecret } from "@wharf/redaction";
import { createPieceSplitter } from "@wharf/transcripts";
import type { ReplacedSegment } from "../../db/transcripts/continue-generation.ts";
import type { HeldFile } from "../../db/transcripts/held-file.ts";
import { findLastSegment } from "../../db/transcripts/segments.ts";
import { StorageError } from "../../errors.ts";
import { readSegment } from "../read-stored.ts";
import type { CustodyDependencies, PieceOf } from "./custody.ts";
import { type FramedPart, isJsonLines } from "./frame-part.ts";
import { NO_COUNTS, putFrame, type StoredPiece, storePiece } from "./store-piece.ts";

/** The last segment of a file that was cut within a line: what stays of it, and the beginning of the line. */
export type OpenEnd = {
  segment: ReplacedSegment;
  kept: Uint8Array<ArrayBuffer>;
  line: Uint8Array<ArrayBuffer>;
};

const NEWLINE = 0x0a;
/** A marker, and line breaks behind it. */
const BEFORE_BYTES = 1_024;
/** Of the part that continues: longer than any secret. */
const AFTER_BYTES = 65_536;

/** Null: the part begins a line, or what is held is damaged: the file can grow nevertheless. */
export async function readOpenEnd(
  { database, blobs }: CustodyDependencies,
  { file_id, generation, is_torn, kind }: HeldFile,
): Promise<OpenEnd | null> {
  if (isJsonLines(kind) && !is_torn) return null;
  const segment = await database.run((sql) => findLastSegment(sql, { file_id, generation }));
  if (segment === null) return null;
  const bytes = await readSegment(blobs, segment).catch(nullIfDamaged);
  if (bytes === null) return null;
  const kept_bytes = bytes.lastIndexOf(NEWLINE) + 1;
  return {
    segment: { ...segment, kept_bytes },
    kept: bytes.slice(0, kept_bytes),
    line: bytes.slice(kept_bytes),
  };
}

function nullIfDamaged(error: unknown): null {
  if (error instanceof StorageError && error.code === "STORAGE_BLOB_DAMAGED") return null;
  throw error;
}

/**
 * Stores a part together with the line that it continues, so that a secret across the cut is found: first what stays of the last segment,
 * then the line and the part. Throws as storePiece.
 */
export async function storeContinued(
  dependencies: CustodyDependencies,
  piece: PieceOf,
  part: FramedPart,
  end: OpenEnd,
  line_bytes_max: number,
): Promise<StoredPiece[]> {
  const { segment, kept, line } = end;
  const joined = joinedLines(piece, part, end, line_bytes_max);
  const stored = await storePiece(dependencies, piece, { ...part, ...joined });
  const counts = { ...stored.counts, device: withoutMarkersOf(line, stored.counts.device) };
  if (kept.length === 0) {
    const { source_start } = segment;
    return [{ ...stored, counts, segment: { ...stored.segment, source_start } }];
  }
  const { source_start, source_end, source_hash, sent_hash } = segment;
  const stays = {
    ...{ source_start, source_end, source_hash, sent_hash },
    stored_bytes: kept.length,
    lines: linesIn(kept),
    blob_hash: await putFrame(dependencies, kept),
  };
  return [
    { segment: stays, counts: NO_COUNTS, redaction_version: RULES_VERSION, is_torn: false },
    { ...stored, counts },
  ];
}

function joinedLines(
  { kind }: PieceOf,
  part: FramedPart,
  { kept, line }: OpenEnd,
  line_bytes_max: number,
): Pick<FramedPart, "bytes" | "lines"> {
  const before = latin1(Buffer.concat([kept.subarray(-BEFORE_BYTES), line]).subarray(-BEFORE_BYTES));
  const rest = restOfSecret(before, latin1(part.bytes.subarray(0, AFTER_BYTES)));
  const splitter = createPieceSplitter({
    line_bytes_max: isJsonLines(kind) ? line_bytes_max : Number.POSITIVE_INFINITY,
  });
  splitter.push(new Uint8Array(Buffer.concat([line, part.bytes.subarray(rest)])));
  const { bytes, lines } = splitter.end() ?? { bytes: new Uint8Array(), lines: 0 };
  return { bytes, lines };
}

/** One character for each byte. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** The markers of the line were counted before. */
function withoutMarkersOf(
  line: Uint8Array,
  counts: Readonly<Record<string, number>>,
): Record<string, number> {
  const counted = new Map<string, number>();
  countMarkers(new TextDecoder().decode(line), counted);
  const rest = Object.entries(counts).map(
    ([rule, count]) => [rule, count - (counted.get(rule) ?? 0)] as const,
  );
  return Object.fromEntries(rest.filter(([, count]) => count > 0));
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}
