import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TranscriptKind } from "@wharf/protocol";
import type { ChainCheckpoint } from "@wharf/transcripts";
import { readState, writeDurably } from "../spool/files.ts";

/** A file of a session on this machine. */
export type LocalFile = {
  agent: string;
  session_id: string;
  /** Below the session's folder, as the hub names it. */
  file: string;
  kind: TranscriptKind;
  /** Here. */
  path: string;
};

/** What the hub has acknowledged of a file. */
export type FileState = {
  generation: number;
  source_bytes: number;
  /** Of `source_bytes`. */
  source_hash: string;
  /** After the last full block of them. */
  checkpoint: ChainCheckpoint;
  /** Of the file when it was read last. */
  size: number;
  mtime_ms: number;
  inode: number;
  /** Why the file is not sent any more, until it changes; null: it is sent. */
  set_aside: string | null;
  /** The session was deleted on the hub. */
  is_deleted?: true;
};

export type FileStates = {
  read(file: LocalFile): Promise<FileState | null>;
  write(file: LocalFile, state: FileState): Promise<void>;
};

/** One small JSON file per transcript file. Losing one costs a comparison with the hub. */
export function openFileStates(directory: string, hub: string): FileStates {
  const pathOf = ({ agent, session_id, file, path }: LocalFile) => {
    const name = createHash("sha256")
      .update(JSON.stringify([hub, agent, session_id, file, path]))
      .digest("hex");
    return join(directory, `${name.slice(0, 32)}.json`);
  };
  return {
    read: (file) => readState<FileState>(pathOf(file)),
    async write(file, state) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeDurably(pathOf(file), JSON.stringify(state));
    },
  };
}
