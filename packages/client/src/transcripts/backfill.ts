import { HubError } from "../sdk/hub-error.ts";
import { createBackoff, isDenied } from "../sender/backoff.ts";
import { statIfThere } from "../spool/files.ts";
import type { LocalFile } from "./file-state.ts";
import type { FoundTranscript } from "./find-transcripts.ts";
import type { HubSessions } from "./hub-sessions.ts";
import { isSame, type SendFileDependencies, type SendFileResult, sendFile } from "./send-file.ts";
import { CAN_UNPACK, isPacked, sendUnpacked, type Unpack, unpackZstd } from "./send-unpacked.ts";
import { filesOfSession } from "./session-files.ts";

/** Files that are not on the hub as they are here, newest session first. `bytes`: those to send. */
export type BackfillPlan = {
  sessions: number;
  files: number;
  held_files: number;
  /** Of sessions that were deleted on the hub, which takes them no more. */
  deleted_files: number;
  /** Those of which rules of this machine send nothing. */
  not_shared_files: number;
  bytes: number;
  pending: PendingFile[];
  /** Packed files, in a runtime that cannot unpack them. */
  packed_files: number;
  /** Those that were set aside, and have not changed since. */
  not_sent: NotSent[];
};
export type NotSent = { path: string; reason: string };
/** `isLost`: it was sent, and the hub has lost it since, such as by the restore of an older backup. */
type PendingFile = { file: LocalFile; bytes: number; unpack: Unpack | null; isLost: boolean };

export type BackfillResult = Record<SendFileResult["status"], number> & {
  bytes: number;
  /** Those that are set aside. */
  not_sent: NotSent[];
};

const FILES_AT_ONCE = 4;
/** In a row, of which each waits for longer. */
const ATTEMPTS_MAX = 6;

/** `hub`: null while it is unavailable; what was sent then counts as held. */
export async function planBackfill(
  found: readonly FoundTranscript[],
  { states, shareOf }: Pick<SendFileDependencies, "states" | "shareOf">,
  { hub = null, canUnpack = CAN_UNPACK }: { hub?: HubSessions | null; canUnpack?: boolean } = {},
): Promise<BackfillPlan> {
  const plan: BackfillPlan = {
    sessions: new Set(found.map(({ session_id }) => session_id)).size,
    files: 0,
    held_files: 0,
    deleted_files: 0,
    not_shared_files: 0,
    bytes: 0,
    pending: [],
    packed_files: 0,
    not_sent: [],
  };
  for (const one of found) {
    for (const { file, bytes, look, unpack } of await filesOfTranscript(one)) {
      plan.files += 1;
      if (isPacked(file.path) && !canUnpack) {
        plan.packed_files += 1;
        continue;
      }
      // Where a packed file belongs is known when it is unpacked.
      if (unpack === null && (await shareOf?.(file)) === "nothing") {
        plan.not_shared_files += 1;
        continue;
      }
      const state = await states.read(file);
      if (state?.is_deleted || hub?.deleted.has(file.session_id)) {
        plan.deleted_files += 1;
        continue;
      }
      const isLost = state !== null && hub?.unknown.has(file.session_id) === true;
      if (state !== null && isSame(state, look) && !isLost) {
        if (state.set_aside === null) plan.held_files += 1;
        else plan.not_sent.push({ path: file.path, reason: state.set_aside });
        continue;
      }
      const left = isLost ? bytes : Math.max(0, bytes - (state?.source_bytes ?? 0));
      plan.bytes += left;
      plan.pending.push({ file, bytes: left, unpack, isLost });
    }
  }
  return plan;
}

/** A transcript with the files that belong to it. `unpack`: of what is not a file of lines. */
export async function filesOfTranscript(
  found: FoundTranscript,
): Promise<(Omit<PendingFile, "isLost"> & { look: Unpack["look"] })[]> {
  const { agent, session_id, file, kind, path, bytes, unpack } = found;
  const own: LocalFile = { agent, session_id, file, kind, path };
  if (unpack !== undefined) return [{ file: own, bytes, look: unpack.look, unpack }];
  const files = kind === "main" ? await filesOfSession({ agent, session_id }, path) : [own];
  const there = await Promise.all(
    files.map(async (one) => {
      const stats = await statIfThere(one.path);
      if (stats === null || stats.size === 0) return [];
      const look = { size: stats.size, mtime_ms: stats.mtimeMs, inode: stats.ino };
      const packed = isPacked(one.path) ? unpackZstd(one.path, look) : null;
      return [{ file: one, bytes: stats.size, look, unpack: packed }];
    }),
  );
  return there.flat();
}

export type BackfillOptions = SendFileDependencies & {
  /** Where packed files are unpacked. */
  directory: string;
  signal?: AbortSignal;
  wait?: (ms: number) => Promise<void>;
};

/** Sends the planned files, several at once. Throws HubError when the hub does not answer several times in a row, or refuses the key. */
export async function runBackfill(plan: BackfillPlan, options: BackfillOptions): Promise<BackfillResult> {
  const { signal, wait = waitFor } = options;
  const result: BackfillResult = {
    unchanged: 0,
    sent: 0,
    gone: 0,
    set_aside: 0,
    deleted: 0,
    not_shared: 0,
    bytes: 0,
    not_sent: [],
  };
  const backoff = createBackoff();
  const queue = [...plan.pending];
  let failures = 0;

  async function sendWithRetries({ file, unpack, isLost }: PendingFile): Promise<void> {
    const { states } = options;
    const how = isLost ? { ...options, states: { read: async () => null, write: states.write } } : options;
    for (;;) {
      try {
        const ended =
          unpack === null
            ? await sendFile(how, file)
            : await sendUnpacked(how, file, unpack, options.directory);
        result[ended.status] += 1;
        result.bytes += ended.sent;
        if (ended.status === "set_aside") result.not_sent.push({ path: file.path, reason: ended.reason });
        failures = 0;
        return;
      } catch (error) {
        if (!(error instanceof HubError) || isDenied(error)) throw error;
        failures += 1;
        if (failures >= ATTEMPTS_MAX) throw error;
        backoff.failed(error);
        await wait(backoff.waitMs());
      }
    }
  }

  async function work(): Promise<void> {
    for (let next = queue.shift(); next !== undefined && !signal?.aborted; next = queue.shift())
      await sendWithRetries(next);
  }

  try {
    await Promise.all(Array.from({ length: FILES_AT_ONCE }, work));
  } finally {
    queue.length = 0;
  }
  return result;
}

const waitFor = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
