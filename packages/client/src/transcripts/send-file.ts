import type { FileHandle } from "node:fs/promises";
import type { TranscriptHeld } from "@wharf/protocol";
import { RedactionTimeError, type Redactor } from "@wharf/redaction";
import {
  type ChainHash,
  createChainHash,
  createPieceSplitter,
  EMPTY_CHAIN_HASH,
  type Piece,
} from "@wharf/transcripts";
import { HubError, type HubErrorFields, UNEXPECTED_RESPONSE } from "../sdk/hub-error.ts";
import { type Append, heldOf, type Transcripts } from "../sdk/transcripts.ts";
import { emptyLine, emptyWhole } from "../share/empty-texts.ts";
import type { ShareLevel } from "../share/rules.ts";
import { nullIfUnreadable, openFile } from "../spool/files.ts";
import { describeProblem, isOfMachine } from "../spool/machine-problem.ts";
import { chainOf, readAt } from "./chain.ts";
import type { FileState, FileStates, LocalFile } from "./file-state.ts";
import { mapLines, mapWhole } from "./map-bytes.ts";

export type SendFileDependencies = {
  transcripts: Pick<Transcripts, "append">;
  states: FileStates;
  redactor: Redactor;
  device_id: string;
  /** As of now, what of a file is sent; by default all. */
  shareOf?: (file: LocalFile) => Promise<ShareLevel>;
  /** As of now, the workspace of a session. */
  workspaceOf: (file: LocalFile) => Promise<string>;
  /** When the agent deletes a file that was written last at this time; null: unknown. */
  deletesAt?: (file: LocalFile, mtime_ms: number) => Promise<string | null>;
  onSent?: (bytes: number) => void;
};

/** `sent`: bytes of the file that the hub acknowledged now. */
export type SendFileResult = { sent: number } & (
  | { status: "unchanged" | "sent" | "gone" | "deleted" | "not_shared" }
  | { status: "set_aside"; reason: string }
);

const PART_BYTES = 4 * 1024 * 1024;
const PART_BYTES_MIN = 64 * 1024;
const READ_BYTES = 1024 * 1024;
const LINE_BYTES_MAX = 32 * 1024 * 1024;
/** What is read for a part stays in memory until a line ends. */
const LINE_BYTES_READ_MAX = 4 * LINE_BYTES_MAX;
/** The hub takes no larger part. */
const WHOLE_BYTES_MAX = 40 * 1024 * 1024;
const CONFLICTS_MAX = 5;
const INCOMPLETE: HubErrorFields = {
  message: "The response does not hold all of the part that was sent.",
  code: UNEXPECTED_RESPONSE,
  status: null,
};

/** Sends what a file has gained since it was sent last. Throws HubError when a request must be sent again later. */
export async function sendFile(dependencies: SendFileDependencies, file: LocalFile): Promise<SendFileResult> {
  const share = (await dependencies.shareOf?.(file)) ?? "full";
  if (share === "nothing") return { status: "not_shared", sent: 0 };
  const handle = await openFile(file.path).catch((error: NodeJS.ErrnoException) => {
    nullIfUnreadable(error);
    return "unreadable" as const;
  });
  if (handle === "unreadable")
    return { status: "set_aside", sent: 0, reason: "it cannot be read by this user" };
  if (handle === null) return { status: "gone", sent: 0 };
  try {
    return await new FileSending(dependencies, file, handle, share).run();
  } finally {
    await handle.close();
  }
}

type Seen = Pick<FileState, "size" | "mtime_ms" | "inode">;

/** One pass over one file. */
class FileSending {
  readonly #dependencies: SendFileDependencies;
  readonly #file: LocalFile;
  readonly #handle: FileHandle;
  readonly #isWhole: boolean;
  /** A line, or the text of a whole file, as it is sent. */
  readonly #convert: (text: string) => string;
  #generation: number | null = null;
  #offset = 0;
  #chain: ChainHash = createChainHash();
  #partBytes = PART_BYTES;
  #conflicts = 0;
  #sent = 0;

  constructor(dependencies: SendFileDependencies, file: LocalFile, handle: FileHandle, share: ShareLevel) {
    this.#dependencies = dependencies;
    this.#file = file;
    this.#handle = handle;
    const isLines = file.kind === "main" || file.kind === "subagent";
    this.#isWhole = !isLines || file.file.endsWith(".json");
    const { redactor } = dependencies;
    const empty = (text: string) => (this.#isWhole ? emptyWhole(file.kind, text) : emptyLine(text));
    this.#convert = (text) => redactor.line(share === "facts" ? empty(text) : text);
  }

  async run(): Promise<SendFileResult> {
    const seen = await this.#look();
    const state = await this.#dependencies.states.read(this.#file);
    if (state?.is_deleted) return { status: "deleted", sent: 0 };
    if (state !== null && isSame(state, seen)) return resultOf(state);
    if (state !== null && state.source_bytes > 0) await this.#resume(state, seen);
    try {
      await this.#sendRest(seen);
    } catch (error) {
      const ended = endedBy(error);
      if (ended === null) throw error;
      await this.#save(seen, ended);
      if (ended.is_deleted) return { status: "deleted", sent: this.#sent };
      return { status: "set_aside", sent: this.#sent, reason: ended.set_aside };
    }
    await this.#save(seen, { set_aside: null });
    return { status: this.#sent > 0 ? "sent" : "unchanged", sent: this.#sent };
  }

  async #look(): Promise<Seen> {
    const { size, mtimeMs, ino } = await this.#handle.stat();
    return { size, mtime_ms: mtimeMs, inode: ino };
  }

  /** Continues behind what the hub has, if the file still begins with it; otherwise the next generation begins. */
  async #resume(state: FileState, seen: Seen): Promise<void> {
    this.#generation = state.generation;
    if (this.#isWhole) {
      this.#generation += 1;
      return;
    }
    // Another file in its place is read from its start; of the same one, the last block.
    const from = state.inode === seen.inode ? state.checkpoint : undefined;
    const chain =
      seen.size < state.source_bytes ? null : await chainOf(this.#handle, state.source_bytes, from);
    if (chain?.value() !== state.source_hash) this.#generation += 1;
    else {
      this.#chain = chain;
      this.#offset = state.source_bytes;
    }
  }

  async #sendRest(seen: Seen): Promise<void> {
    for (;;) {
      const isEnded = this.#isWhole ? await this.#sendWhole(seen) : await this.#sendPart(seen);
      if (isEnded) return;
    }
  }

  async #sendWhole({ size }: Seen): Promise<boolean> {
    if (size > WHOLE_BYTES_MAX)
      throw new SetAside(`it has ${size} bytes; at most ${WHOLE_BYTES_MAX} are sent at once`);
    const bytes = await readAt(this.#handle, 0, size);
    if (bytes.length === 0) return true;
    const piece = { source_bytes: bytes.length, bytes: mapWhole(bytes, this.#convert) };
    return await this.#append(piece, [bytes]);
  }

  /** True when no whole line is left. */
  async #sendPart({ size }: Seen): Promise<boolean> {
    const splitter = createPieceSplitter({ piece_bytes: this.#partBytes, line_bytes_max: LINE_BYTES_MAX });
    const read: Uint8Array[] = [];
    let piece: Piece | null = null;
    const end = Math.min(size, this.#offset + LINE_BYTES_READ_MAX);
    for (let at = this.#offset; piece === null && at < end; ) {
      const bytes = await readAt(this.#handle, at, Math.min(READ_BYTES, this.#partBytes, end - at));
      if (bytes.length === 0) break;
      read.push(bytes);
      at += bytes.length;
      [piece = null] = splitter.push(bytes);
    }
    piece ??= splitter.cut();
    if (piece === null && end < size)
      throw new SetAside(`a line of it is longer than ${LINE_BYTES_READ_MAX} bytes`);
    if (piece === null) return true;
    const bytes = mapLines(piece.bytes, this.#convert);
    await this.#append({ source_bytes: piece.source_bytes, bytes }, read);
    return this.#offset >= size;
  }

  /** `read` begins with the piece's own bytes of the file. */
  async #append(
    piece: { source_bytes: number; bytes: Uint8Array<ArrayBuffer> },
    read: readonly Uint8Array[],
  ): Promise<boolean> {
    const { transcripts, device_id, workspaceOf, deletesAt, onSent } = this.#dependencies;
    const { path: _, ...named } = this.#file;
    const offsetHash = this.#chain.value();
    const after = await this.#chainAfter(piece.source_bytes, read);
    const end = this.#offset + piece.source_bytes;
    const deletes_at = (await deletesAt?.(this.#file, (await this.#look()).mtime_ms)) ?? null;
    const append: Append = {
      ...named,
      device_id,
      workspace_id: await workspaceOf(this.#file),
      offset: this.#offset,
      ...(this.#isWhole ? { isFinal: true } : {}),
      bytes: piece.bytes,
      source: { offsetHash, bytes: end, hash: after.value() },
      ...(deletes_at === null ? {} : { deletes_at }),
      ...(this.#generation === null ? {} : { generation: this.#generation }),
    };
    try {
      const { generation, source_bytes } = await transcripts.append(append);
      if (source_bytes < end) throw new HubError(INCOMPLETE);
      this.#generation = generation;
      this.#chain = after;
      this.#offset = end;
      this.#sent += piece.source_bytes;
      onSent?.(piece.source_bytes);
      await this.#save(await this.#look(), { set_aside: null, isPartial: true });
      return true;
    } catch (error) {
      const held = heldOf(error);
      if (held !== null) await this.#compare(held);
      else this.#shrink(error);
      return false;
    }
  }

  async #chainAfter(bytes: number, read: readonly Uint8Array[]): Promise<ChainHash> {
    const after = await chainOf(this.#handle, this.#offset, this.#chain.checkpoint());
    if (after === null) throw new SetAside("it became shorter while it was read");
    let left = bytes;
    for (const part of read) {
      after.push(part.subarray(0, left));
      left -= Math.min(left, part.length);
    }
    return after;
  }

  /** After a conflict: continues behind what the hub holds if the file begins with it, otherwise with the next generation. */
  async #compare({ generation, source_bytes, source_hash }: TranscriptHeld): Promise<void> {
    this.#conflicts += 1;
    if (this.#conflicts > CONFLICTS_MAX)
      throw new SetAside(`the hub and this file were in conflict ${CONFLICTS_MAX} times`);
    const chain = await chainOf(this.#handle, source_bytes);
    const isHeld = !this.#isWhole && chain !== null && chain.value() === (source_hash ?? EMPTY_CHAIN_HASH);
    this.#generation = isHeld ? generation : generation + 1;
    this.#chain = isHeld ? chain : createChainHash();
    this.#offset = isHeld ? source_bytes : 0;
  }

  #shrink(error: unknown): void {
    if (!(error instanceof HubError) || (error.status !== 413 && error.status !== 422)) throw error;
    if (this.#isWhole || this.#partBytes <= PART_BYTES_MIN) throw new SetAside(error.message);
    this.#partBytes /= 2;
  }

  async #save(
    seen: Seen,
    ended: { set_aside: string | null; is_deleted?: true; isPartial?: true },
  ): Promise<void> {
    const { set_aside, is_deleted, isPartial = false } = ended;
    await this.#dependencies.states.write(this.#file, {
      generation: this.#generation ?? 1,
      source_bytes: this.#offset,
      source_hash: this.#chain.value(),
      checkpoint: this.#chain.checkpoint(),
      ...seen,
      // More is to come: the file is not the one that was seen.
      ...(isPartial ? { mtime_ms: 0 } : {}),
      set_aside,
      ...(is_deleted ? { is_deleted } : {}),
    });
  }
}

/** The file cannot be sent as it is. */
export class SetAside extends Error {}

function endedBy(error: unknown): { set_aside: string; is_deleted?: true } | null {
  if (error instanceof SetAside || error instanceof RedactionTimeError) return { set_aside: error.message };
  // Such as of a damaged disk: other files are sent.
  if (isOfMachine(error) && error.syscall === "read") return { set_aside: describeProblem(error) };
  if (!(error instanceof HubError)) return null;
  if (error.status === 410) return { set_aside: error.message, is_deleted: true };
  return error.status === 400 ? { set_aside: error.message } : null;
}

/** Of a file that is as it was. */
export function resultOf({ set_aside }: FileState): SendFileResult {
  if (set_aside === null) return { status: "unchanged", sent: 0 };
  return { status: "set_aside", sent: 0, reason: set_aside };
}

export function isSame(a: Seen, b: Seen): boolean {
  return a.size === b.size && a.mtime_ms === b.mtime_ms && a.inode === b.inode;
}
