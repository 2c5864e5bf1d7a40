import { type FSWatcher, watch } from "node:fs";
import { canonicalWorkspaceId } from "@wharf/protocol/workspace";
import type { FindPlace } from "../git/find-place.ts";
import { HubError } from "../sdk/hub-error.ts";
import { createBatchWaits } from "../sender/batch-waits.ts";
import type { NamedTranscript } from "../spool/convert-hook.ts";
import { statIfThere } from "../spool/files.ts";
import type { LocalFile } from "./file-state.ts";
import { readOrigin } from "./find-transcripts.ts";
import { type SendFileDependencies, sendFile } from "./send-file.ts";
import { filesOfSession, originPathOf } from "./session-files.ts";

export type Tails = {
  /** Follows a session's files from now on. */
  follow(transcript: NamedTranscript): void;
  /** Sends what files of the followed sessions have gained; answers how many bytes. Throws HubError. */
  send(): Promise<number>;
  close(): void;
};

export type TailOptions = Omit<SendFileDependencies, "workspaceOf"> & {
  findPlace: FindPlace;
  /** Called when a followed file changed. */
  onChange: () => void;
  now?: () => number;
};

/** A session without a change for this long is followed again by its next hook. */
const FOLLOWED_MS = 30 * 60_000;

type Followed = NamedTranscript & {
  changed_ms: number;
  watcher: FSWatcher | null;
  /** By path: what a file looked like when all of it was sent. A session may have thousands. */
  looks: Map<string, string>;
};

/** Follows the transcript files of live sessions. Directories are looked through at each `send`; the main file is watched, too. */
export function createTails(options: TailOptions): Tails {
  const { findPlace, onChange, now = Date.now } = options;
  const sessions = new Map<string, Followed>();
  const waits = createBatchWaits({ now });
  const workspaceOf = createWorkspaceOf(findPlace, (file) => sessions.get(keyOf(file))?.cwd ?? null);

  function drop(key: string): void {
    sessions.get(key)?.watcher?.close();
    sessions.delete(key);
  }

  return {
    follow(transcript) {
      const key = keyOf(transcript);
      const known = sessions.get(key);
      if (known !== undefined && known.path === transcript.path) {
        known.changed_ms = now();
        known.watcher ??= watchFile(known.path, onChange);
        return;
      }
      drop(key);
      const watcher = watchFile(transcript.path, onChange);
      sessions.set(key, { ...transcript, changed_ms: now(), watcher, looks: new Map() });
    },
    async send() {
      let sent = 0;
      let failure: HubError | null = null;
      for (const [key, session] of sessions) {
        const { agent, session_id, path } = session;
        let ofSession = 0;
        for (const file of await filesOfSession({ agent, session_id }, path)) {
          const look = await lookOf(file.path);
          if (look === null || session.looks.get(file.path) === look) continue;
          if (waits.waiting(file.path) !== null) continue;
          try {
            const { status, sent: ofFile } = await sendFile({ ...options, workspaceOf }, file);
            ofSession += ofFile;
            // The rules may change.
            if (status !== "not_shared") session.looks.set(file.path, look);
            waits.forget(file.path);
          } catch (error) {
            // A hub that fails for one file must not hold up the others: that file waits by itself.
            if (!(error instanceof HubError) || error.status !== 500) throw error;
            waits.failed(file.path, error);
            failure ??= error;
          }
        }
        if (ofSession > 0) session.changed_ms = now();
        else if (now() - session.changed_ms > FOLLOWED_MS) drop(key);
        sent += ofSession;
      }
      if (failure !== null) throw failure;
      return sent;
    },
    close() {
      for (const key of [...sessions.keys()]) drop(key);
    },
  };
}

/** The workspace of a session: of the directory that its hook or its file names. */
export function createWorkspaceOf(findPlace: FindPlace, cwdOf: (file: LocalFile) => string | null) {
  const origins = new Map<string, ReturnType<typeof readOrigin>>();

  return async function workspaceOf(file: LocalFile): Promise<string> {
    const named = cwdOf(file);
    if (named !== null) return (await findPlace(named)).workspace_id;
    const key = keyOf(file);
    const origin = origins.get(key) ?? readOrigin(originPathOf(file));
    if (file.kind === "main") origins.set(key, origin);
    const { cwd, git_remote } = await origin;
    const canonical = git_remote === null ? null : canonicalWorkspaceId(git_remote);
    return canonical ?? (await findPlace(cwd)).workspace_id;
  };
}

function keyOf({ agent, session_id }: Pick<LocalFile, "agent" | "session_id">): string {
  return `${agent} ${session_id}`;
}

async function lookOf(path: string): Promise<string | null> {
  const stats = await statIfThere(path);
  return stats === null ? null : `${stats.size} ${stats.mtimeMs} ${stats.ino}`;
}

/** Null where the file is not there yet, or cannot be watched: the look every second remains. */
function watchFile(path: string, onChange: () => void): FSWatcher | null {
  try {
    const watcher = watch(path, { persistent: false }, () => onChange());
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
