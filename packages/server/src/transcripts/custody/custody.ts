import { canonicalWorkspaceId, isUlid, type TranscriptKind, UNASSOCIATED_WORKSPACE } from "@wharf/protocol";
import type { BlobStore } from "../../blobs/blob-store.ts";
import type { Database } from "../../db/database.ts";
import { seeDevice } from "../../db/projections/devices.ts";
import {
  type FilePlace,
  type HeldFile,
  type HeldSession,
  type HeldState,
  readHeld,
} from "../../db/transcripts/held-file.ts";
import { updateSessionOfFile } from "../../db/transcripts/session-of-file.ts";
import { StorageError, ValidationError } from "../../errors.ts";
import type { WorkspaceResolver } from "../../ingest/workspace-resolver.ts";
import type { Redaction } from "../../redaction/create-redaction.ts";

/** `workspace`: the id of the session's, or the reference that the file names for a new session. */
export type PieceOf = { kind: TranscriptKind; workspace: string };

export type CustodyDependencies = {
  database: Database;
  blobs: BlobStore;
  workspaces: WorkspaceResolver;
  redaction: Pick<Redaction, "pool" | "switches" | "texts">;
  /** Called after each commit that changed what is held of a session. */
  onAppended(session_id: string): Promise<unknown>;
};

/** A file as a device names it. */
export type NamedFile = {
  place: FilePlace;
  kind: TranscriptKind;
  /** As in events; null: not named. */
  workspace: string | null;
  deletes_at: string | null;
};

/** What is held of a file that is new. */
export const NOTHING_HELD = { generation: 1, source_bytes: 0 } as const;

/** How often a request looks again at a file that others change at the same time. */
export const ATTEMPTS_MAX = 5;

/** The workspace of a stub session: as in events, one that cannot be resolved is the unassociated one. */
export async function resolveWorkspace(
  workspaces: WorkspaceResolver,
  reference: string | null,
): Promise<string> {
  const named = reference ?? UNASSOCIATED_WORKSPACE;
  const key = isUlid(named) ? named : (canonicalWorkspaceId(named) ?? UNASSOCIATED_WORKSPACE);
  const idOf = async (reference: string) => (await workspaces.resolve([reference])).get(reference);
  const id = (await idOf(key)) ?? (await idOf(UNASSOCIATED_WORKSPACE));
  if (id === undefined) throw new Error("the unassociated workspace has no id");
  return id;
}

/** What decides how a piece of the file is stored. */
export function pieceOf({ kind, workspace }: NamedFile, session: HeldSession | null): PieceOf {
  const named = workspace === null || isUlid(workspace) ? workspace : canonicalWorkspaceId(workspace);
  return { kind, workspace: session?.workspace_id ?? named ?? UNASSOCIATED_WORKSPACE };
}

/**
 * By its kind a file is framed and redacted, and parsed: one that is held keeps its kind. Throws ValidationError.
 */
export function requireHeldKind({ place, kind }: NamedFile, held: { kind: string } | null): void {
  if (held === null || held.kind === kind) return;
  throw new ValidationError(
    `"${place.file}" is held as kind=${held.kind}. Send it with that kind, or under another name.`,
    "VALIDATION_FAILED",
  );
}

/** What is held of a file and its session. Its device is seen with it, also where the file is refused. */
export async function readState({ database }: CustodyDependencies, place: FilePlace): Promise<HeldState> {
  const state = await database.run((sql) => readHeld(sql, place, UNASSOCIATED_WORKSPACE));
  if (state.is_device_unseen) await database.run((sql) => seeDevice(sql, place.device_id));
  return state;
}

/** After a commit: what the file tells of its session, then the jobs that read it. */
export async function followUp(
  { database, workspaces, onAppended }: CustodyDependencies,
  { place, kind, workspace }: NamedFile,
  session: HeldSession | null,
): Promise<void> {
  const { session_id, device_id, agent, file } = place;
  const isPlaced = session?.lacks_workspace === true && workspace !== null;
  const lacksTranscript = session?.has_transcript !== true && kind === "main";
  if (session === null || !session.has_agent || lacksTranscript || session.is_silent || isPlaced) {
    const workspace_id = isPlaced ? await resolveWorkspace(workspaces, workspace) : null;
    const transcript_key = kind === "main" ? transcriptKey(session_id, file) : null;
    const gain = { session_id, device_id, agent, transcript_key, workspace_id };
    await database.run((sql) => updateSessionOfFile(sql, gain));
  }
  await onAppended(session_id);
}

export function transcriptKey(session_id: string, file: string): string {
  return `transcripts/${session_id}/${file}`;
}

/** A request that always meets another one; or a blob that is being removed at this moment. Answered with 503. */
export function contended(): StorageError {
  return new StorageError(
    "Other requests change this file at the same time. Retry the request.",
    "STORAGE_LOCKED",
  );
}

export type HeldGeneration = Pick<HeldFile, "generation" | "source_bytes" | "source_hash" | "stored_bytes">;
