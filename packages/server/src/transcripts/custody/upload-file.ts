import { createChainHash, createPieceSplitter, type Piece } from "@wharf/transcripts";
import { errorCode } from "../../db/database-errors.ts";
import { continueGeneration } from "../../db/transcripts/continue-generation.ts";
import type { HeldFile, HeldState } from "../../db/transcripts/held-file.ts";
import { startGeneration } from "../../db/transcripts/write-segments.ts";
import { retryConflicts } from "../../ingest/retry-conflicts.ts";
import { readSegment, readStored } from "../read-stored.ts";
import { appendPart } from "./append-part.ts";
import {
  ATTEMPTS_MAX,
  type CustodyDependencies,
  contended,
  followUp,
  type NamedFile,
  pieceOf,
  readState,
  requireHeldKind,
  resolveWorkspace,
} from "./custody.ts";
import { sha256 } from "./frame-part.ts";
import { growthOf, type StoredPiece, storePiece } from "./store-piece.ts";

export type UploadRequest = NamedFile & { content: AsyncIterable<Uint8Array> };

/** `exists`: the same bytes are held already. */
export type UploadOutcome = "uploaded" | "exists" | "deleted";

/** Of one segment; with one line of the largest size, all that an upload holds in memory. */
export const PIECE_BYTES = 4 * 1024 * 1024;

/** An upload as it was stored, before it has a place in its file. */
type Received = {
  pieces: StoredPiece[];
  bytes: number;
  hash: string;
  /** How many pieces make up what was held when the upload began; null: it begins with other bytes. */
  heldPieces: number | null;
};

/**
 * Takes a whole file: what follows the bytes held is appended; a file that does not begin with them is the next generation. The content
 * is redacted and stored piece by piece, and belongs to the file with the commit at its end. Throws what reading the content throws.
 */
export async function uploadFile(
  dependencies: CustodyDependencies,
  request: UploadRequest,
  line_bytes_max: number,
): Promise<UploadOutcome> {
  const read = () => readState(dependencies, request.place);
  const before = await read();
  if (before.is_deleted) return "deleted";
  requireHeldKind(request, before.file);
  const received = await receive(dependencies, request, before, line_bytes_max);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const { is_deleted, session, file } = await read();
    if (is_deleted) return "deleted";
    requireHeldKind(request, file);
    if (file !== null && isSame(file, received.bytes, received.hash)) return "exists";
    const isUnchanged = file !== null && before.file !== null && isSameState(file, before.file);
    const continued = isUnchanged && received.heldPieces !== null ? file : null;
    if (!(await write(dependencies, request, { received, file, continued }))) continue;
    if (continued !== null && received.bytes === continued.source_bytes) return "exists";
    await followUp(dependencies, request, session);
    return "uploaded";
  }
  throw contended();
}

/**
 * Takes a version of a small file that is no JSON lines; each is a generation. Throws ValidationError, RedactionTimeError and StorageError.
 */
export async function uploadVersion(
  dependencies: CustodyDependencies,
  request: NamedFile & { body: Uint8Array },
  line_bytes_max: number,
): Promise<UploadOutcome> {
  const source = { offset_hash: null, bytes: null, hash: null };
  const part = { ...request, generation: null, offset: 0, isFinal: true, source };
  const { status } = await appendPart(dependencies, part, line_bytes_max);
  if (status === "deleted") return "deleted";
  return status === "appended" ? "uploaded" : "exists";
}

async function receive(
  dependencies: CustodyDependencies,
  request: UploadRequest,
  { file: held, session }: HeldState,
  line_bytes_max: number,
): Promise<Received> {
  const splitter = createPieceSplitter({ piece_bytes: PIECE_BYTES, line_bytes_max });
  const chain = createChainHash();
  const pieces: StoredPiece[] = [];
  let bytes = 0;
  let storedBytes = 0;
  let heldPieces: number | null = held?.source_bytes === 0 ? 0 : null;

  async function store(piece: Piece | null): Promise<void> {
    if (piece === null) return;
    const { source_bytes, ...kept } = piece;
    const place = { source_start: storedBytes, source_end: storedBytes + source_bytes };
    storedBytes += source_bytes;
    const sent = {
      ...place,
      source_hash: storedBytes === bytes ? chain.value() : null,
      sent_hash: sha256(kept.bytes),
    };
    pieces.push(await storePiece(dependencies, pieceOf(request, session), { ...sent, ...kept }));
  }

  async function take(chunk: Uint8Array): Promise<void> {
    chain.push(chunk);
    bytes += chunk.length;
    for (const piece of splitter.push(chunk)) await store(piece);
  }

  /** Ends a piece where the bytes held end, so that the others can be appended. */
  async function compareWithHeld(held: HeldFile): Promise<void> {
    if (held.source_hash !== null && chain.value() !== held.source_hash) return;
    await store(splitter.cut());
    if (storedBytes !== bytes) return;
    if (held.source_hash !== null || (await isKept(dependencies, pieces, held))) heldPieces = pieces.length;
  }

  for await (const chunk of request.content) {
    const rest = (held?.source_bytes ?? 0) - bytes;
    const isHeldEnd = held !== null && rest > 0 && rest <= chunk.length;
    if (isHeldEnd) {
      await take(chunk.subarray(0, rest));
      await compareWithHeld(held);
    }
    await take(isHeldEnd ? chunk.subarray(rest) : chunk);
  }
  await store(splitter.end());
  return { pieces, bytes, hash: chain.value(), heldPieces };
}

type Writing = {
  received: Received;
  file: HeldFile | null;
  /** The file, if the upload continues it. */
  continued: HeldFile | null;
};

/** False: another request was faster. */
async function write(
  { database, workspaces }: CustodyDependencies,
  request: UploadRequest,
  { received, file, continued }: Writing,
): Promise<boolean> {
  const { place, kind, deletes_at } = request;
  const end = { source_end: received.bytes, source_hash: received.hash };
  if (continued !== null) {
    const growth = growthOf(received.pieces.slice(received.heldPieces ?? 0), end);
    const addition = { session_id: place.session_id, held: continued, deletes_at, growth, replaced: null };
    return (await retryConflicts(() => database.run((sql) => continueGeneration(sql, addition)))) !== null;
  }
  const generation = (file?.generation ?? 0) + 1;
  const growth = growthOf(received.pieces, end);
  const workspace_id = await resolveWorkspace(workspaces, request.workspace);
  const started = { place, kind, generation, workspace_id, deletes_at, growth };
  return (await retryConflicts(() => database.run((sql) => startGeneration(sql, started)))) !== null;
}

/** As isContentOf; a file with a damaged blob is not what is kept. */
async function isKept(...compared: Parameters<typeof isContentOf>): Promise<boolean> {
  try {
    return await isContentOf(...compared);
  } catch (error) {
    if (errorCode(error) === "STORAGE_BLOB_DAMAGED") return false;
    throw error;
  }
}

/** Whether the pieces are what is kept of the file, for one of which the hash is unknown: compared as kept, after redaction. */
async function isContentOf(
  { database, blobs }: CustodyDependencies,
  pieces: readonly StoredPiece[],
  held: HeldFile,
): Promise<boolean> {
  const kept = new Bun.CryptoHasher("sha256");
  for await (const bytes of readStored({ database, blobs }, held)) kept.update(bytes);
  const sent = new Bun.CryptoHasher("sha256");
  for (const { segment } of pieces) sent.update(await readSegment(blobs, { ...segment, stored_start: 0 }));
  return kept.digest("hex") === sent.digest("hex");
}

function isSame({ source_bytes, source_hash }: HeldFile, bytes: number, hash: string): boolean {
  return source_bytes === bytes && (source_hash === hash || bytes === 0);
}

function isSameState(one: HeldFile, other: HeldFile): boolean {
  return (
    one.generation === other.generation &&
    one.source_bytes === other.source_bytes &&
    one.source_hash === other.source_hash
  );
}
