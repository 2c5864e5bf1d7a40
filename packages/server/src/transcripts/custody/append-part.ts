import type { TranscriptHeld } from "@wharf/protocol";
import { EMPTY_CHAIN_HASH } from "@wharf/transcripts";
import type { Database } from "../../db/database.ts";
import { isForeignKeyViolation } from "../../db/database-errors.ts";
import { continueGeneration } from "../../db/transcripts/continue-generation.ts";
import { findRepeated, type HeldFile } from "../../db/transcripts/held-file.ts";
import { startGeneration } from "../../db/transcripts/write-segments.ts";
import { retryConflicts } from "../../ingest/retry-conflicts.ts";
import {
  ATTEMPTS_MAX,
  type CustodyDependencies,
  contended,
  followUp,
  type HeldGeneration,
  type NamedFile,
  NOTHING_HELD,
  pieceOf,
  readState,
  requireHeldKind,
  resolveWorkspace,
} from "./custody.ts";
import { type FramedPart, framePart, isJsonLines, type PartAsSent } from "./frame-part.ts";
import { type OpenEnd, readOpenEnd, storeContinued } from "./open-end.ts";
import { placePart, type Settled } from "./place-part.ts";
import { growthOf, type StoredPiece, storePiece } from "./store-piece.ts";

export type PartRequest = NamedFile & PartAsSent & { generation: number | null };

export type AppendOutcome =
  | { status: "appended" | "already_held"; held: HeldGeneration }
  | { status: "conflict"; held: TranscriptHeld }
  | { status: "deleted" };

/**
 * Adds a part to a transcript file, and answers after the commit. Repeating a request is harmless; of two that would add different bytes
 * at one place, one is in conflict. Throws ValidationError, RedactionTimeError and StorageError.
 */
export async function appendPart(
  dependencies: CustodyDependencies,
  request: PartRequest,
  line_bytes_max: number,
): Promise<AppendOutcome> {
  const { database, workspaces } = dependencies;
  const part = framePart(request, line_bytes_max);
  let whole: StoredPiece[] | undefined;
  const isEmpty = part.source_end === part.source_start;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const state = await readState(dependencies, request.place);
    if (state.is_deleted) return { status: "deleted" };
    requireHeldKind(request, state.file);
    const placement = await placeOrFind(database, state.file, request, part);
    if (placement.step === "held") return { status: "already_held", held: placement.held };
    if (placement.step === "conflict") return { status: "conflict", held: heldOf(state.file) };
    if (isEmpty && placement.step === "continue") return { status: "already_held", held: placement.held };
    const piece = pieceOf(request, state.session);
    const end = placement.step === "continue" ? await readOpenEnd(dependencies, placement.held) : null;
    if (end === null) whole ??= isEmpty ? [] : [await storePiece(dependencies, piece, part)];
    const stored =
      end === null ? whole : await storeContinued(dependencies, piece, part, end, line_bytes_max);
    try {
      const held = await write(dependencies, { request, part, stored: stored ?? [], placement, end });
      if (held === null) continue;
      await followUp(dependencies, request, state.session);
      return { status: "appended", held };
    } catch (error) {
      // The workspace was deleted behind the cache, or the session meanwhile.
      if (!isForeignKeyViolation(error)) throw error;
      workspaces.forget();
    }
  }
  throw contended();
}

/** Where the part belongs; `held`: it is stored already. */
async function placeOrFind(
  database: Database,
  held: HeldFile | null,
  { generation, offset: start, source, kind }: PartRequest,
  part: FramedPart,
): Promise<Settled | { step: "held"; held: HeldFile }> {
  const placement = placePart(held, {
    generation,
    start,
    offset_hash: source.offset_hash,
    isWhole: !isJsonLines(kind),
    isEmpty: part.source_end === part.source_start,
  });
  if (placement.step !== "compare") return placement;
  const { file_id } = placement.held;
  const found = await database.run((sql) => findRepeated(sql, file_id, placement.generation, part));
  return found === null ? placement.otherwise : { step: "held", held: found };
}

type Writing = {
  request: PartRequest;
  part: FramedPart;
  stored: readonly StoredPiece[];
  placement: Exclude<Settled, { step: "conflict" }>;
  /** Of what is continued. */
  end: OpenEnd | null;
};

/** Null: another request was faster. */
async function write(
  { database, workspaces }: CustodyDependencies,
  { request, part, stored, placement, end }: Writing,
): Promise<HeldGeneration | null> {
  const { place, kind, deletes_at } = request;
  const growth = growthOf(stored, part);
  const { source_bytes, source_hash } = growth;
  if (placement.step === "start") {
    const { generation } = placement;
    const workspace_id = await resolveWorkspace(workspaces, request.workspace);
    const started = { place, kind, generation, workspace_id, deletes_at, growth };
    const written = await retryConflicts(() => database.run((sql) => startGeneration(sql, started)));
    return written && { generation, source_bytes, source_hash, stored_bytes: written.stored_bytes };
  }
  const { held } = placement;
  const continued = {
    session_id: place.session_id,
    held,
    deletes_at,
    growth,
    replaced: end?.segment ?? null,
  };
  const written = await retryConflicts(() => database.run((sql) => continueGeneration(sql, continued)));
  return (
    written && { generation: held.generation, source_bytes, source_hash, stored_bytes: written.stored_bytes }
  );
}

function heldOf(file: HeldFile | null): TranscriptHeld {
  if (file === null) return { ...NOTHING_HELD, source_hash: EMPTY_CHAIN_HASH };
  const { generation, source_bytes, source_hash } = file;
  return { generation, source_bytes, source_hash: source_bytes === 0 ? EMPTY_CHAIN_HASH : source_hash };
}
