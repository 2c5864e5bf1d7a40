import { RULES_VERSION } from "@wharf/redaction";
import type { SentPart } from "../../db/transcripts/held-file.ts";
import { announceBlob } from "../../db/transcripts/unreferenced-blobs.ts";
import type { Growth, NewSegment } from "../../db/transcripts/write-segments.ts";
import type { CountsBySide } from "../../redaction/redact-bytes.ts";
import { type CustodyDependencies, contended, type PieceOf } from "./custody.ts";
import { type FramedPart, sha256 } from "./frame-part.ts";

export type StoredPiece = {
  segment: NewSegment;
  counts: CountsBySide;
  redaction_version: number;
  is_torn: boolean;
};

/** Of a piece that was stored as it came, because redaction is off in its workspace. */
const NOT_REDACTED = 0;

export const NO_COUNTS: CountsBySide = { device: {}, hub: {} };

/**
 * Redacts a piece, unless its workspace has redaction off, and puts it into the blob store. Throws RedactionTimeError, and StorageError
 * STORAGE_LOCKED.
 */
export async function storePiece(
  { database, blobs, redaction }: CustodyDependencies,
  { kind, workspace }: PieceOf,
  { bytes, lines, is_torn, ...sent }: FramedPart,
): Promise<StoredPiece> {
  await redaction.switches.refresh();
  const isRedacted = redaction.switches.isRedacted(workspace);
  const redacted = isRedacted ? await redaction.pool.redactPart(bytes, kind) : { bytes, counts: NO_COUNTS };
  const blob_hash = await putFrame({ database, blobs }, redacted.bytes);
  const segment = { ...sent, stored_bytes: redacted.bytes.length, lines, blob_hash };
  const redaction_version = isRedacted ? RULES_VERSION : NOT_REDACTED;
  return { segment, counts: redacted.counts, redaction_version, is_torn };
}

/**
 * Puts bytes as one zstd frame; answers its hash. The blob is listed as unreferenced before, so that it is removed unless a segment refers
 * to it. Throws StorageError STORAGE_LOCKED.
 */
export async function putFrame(
  { database, blobs }: Pick<CustodyDependencies, "database" | "blobs">,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const frame = new Uint8Array(await Bun.zstdCompress(bytes));
  const hash = sha256(frame);
  if (!(await database.run((sql) => announceBlob(sql, hash)))) throw contended();
  await blobs.put(new Blob([frame]).stream());
  return hash;
}

/** What a generation gains by these pieces, up to this end of the device's file. */
export function growthOf(
  pieces: readonly StoredPiece[],
  { source_end, source_hash }: Pick<SentPart, "source_end" | "source_hash">,
): Growth {
  const sum = (field: "stored_bytes" | "lines") =>
    pieces.reduce((total, { segment }) => total + segment[field], 0);
  return {
    segments: pieces.map(({ segment }) => segment),
    source_bytes: source_end,
    source_hash,
    stored_bytes: sum("stored_bytes"),
    lines: sum("lines"),
    is_torn: pieces.at(-1)?.is_torn ?? false,
    redactions: {
      device: addedUp(pieces.map(({ counts }) => counts.device)),
      hub: addedUp(pieces.map(({ counts }) => counts.hub)),
    },
    redaction_version: Math.min(RULES_VERSION, ...pieces.map((piece) => piece.redaction_version)),
  };
}

function addedUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const [rule, count] of counts.flatMap(Object.entries<number>))
    totals[rule] = (totals[rule] ?? 0) + count;
  return totals;
}
