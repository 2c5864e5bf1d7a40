import { agentFolders, type FoundTranscript, findTranscripts } from "../transcripts/find-transcripts.ts";
import { type FoundSessions, findOpencodeSessions } from "../transcripts/opencode/find-sessions.ts";
import type { Io } from "./io.ts";
import { homeOf } from "./sending.ts";

/** Transcripts of all agents that changed at or after `since_ms`, newest first. Warns of databases that cannot be read. */
export async function findAllTranscripts(io: Io, since_ms = 0): Promise<FoundTranscript[]> {
  const home = homeOf(io);
  const { found, unread } = await findOpencodeSessions(io.environment, home, since_ms);
  warnOfUnread(io, unread);
  const files = await findTranscripts(agentFolders(io.environment, home), since_ms);
  return [...files, ...found].sort((a, b) => b.mtime_ms - a.mtime_ms);
}

export function warnOfPacked(io: Io, files: number): void {
  if (files > 0)
    io.warn(`${files} packed files (.zst) are left out: run wharf with Bun, or Node 22.15 or newer.`);
}

function warnOfUnread(io: Io, unread: FoundSessions["unread"]): void {
  for (const { path, reason, message } of unread)
    io.warn(
      reason === "no SQLite"
        ? `The sessions of opencode in ${path} are left out: run wharf with Bun, or Node 22.13 or newer.`
        : `The sessions of opencode in ${path} are left out, because the database cannot be read: ${message}.`,
    );
}
