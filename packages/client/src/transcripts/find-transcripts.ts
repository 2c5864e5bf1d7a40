import type { Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isObject, type JsonObject, object, readRecord, text } from "@wharf/transcripts";
import type { Environment } from "../cli/environment.ts";
import { listFilesBelow, nullIfUnreadable, openFile, statIfThere } from "../spool/files.ts";
import { readAt } from "./chain.ts";
import type { LocalFile } from "./file-state.ts";
import { isPacked, type Unpack, unpackedName } from "./send-unpacked.ts";

/** A main file, or one that stands for itself, with the session that it belongs to. */
export type FoundTranscript = LocalFile & { bytes: number; mtime_ms: number; unpack?: Unpack };

export type AgentFolders = { agent: string; folders: string[] };

const CODEX_FILE = /^rollout-.+-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:_[^.]*)?\.jsonl(?:\.zst)?$/;
const HEAD_BYTES = 256 * 1024;

/** Where agents of this user keep transcripts; the folders need not exist. */
export function agentFolders(environment: Environment, home: string): AgentFolders[] {
  const claude = new Set([
    environment["CLAUDE_CONFIG_DIR"] || join(home, ".claude"),
    join(home, ".claude"),
    join(home, ".config/claude"),
  ]);
  const desktop = [join(home, "Library/Application Support/Claude"), join(home, ".config/Claude")];
  const codex = environment["CODEX_HOME"] || join(home, ".codex");
  return [
    {
      agent: "claude-code",
      folders: [
        ...[...claude].map((root) => join(root, "projects")),
        // Folders with `projects` are somewhere below.
        ...desktop.map((root) => join(root, "local-agent-mode-sessions")),
      ],
    },
    { agent: "codex", folders: [join(codex, "sessions"), join(codex, "archived_sessions")] },
    { agent: "gemini-cli", folders: [join(home, ".gemini/tmp")] },
  ];
}

/** Transcripts that changed at or after `since_ms`, newest first. Files that disappear meanwhile are left out. */
export async function findTranscripts(
  places: readonly AgentFolders[],
  since_ms = 0,
): Promise<FoundTranscript[]> {
  const found: FoundTranscript[] = [];
  for (const { agent, folders } of places) {
    for (const folder of folders) {
      for (const path of await listFilesBelow(folder)) {
        if (!isTranscript(agent, path)) continue;
        const stats = await statIfThere(path);
        if (stats === null || stats.mtimeMs < since_ms || stats.size === 0) continue;
        const file = await identify(agent, path);
        if (file !== null) found.push({ ...file, ...measured(stats) });
      }
    }
  }
  return withoutPackedCopies(found).sort((a, b) => b.mtime_ms - a.mtime_ms);
}

/** Of transcripts, newest first: the newest of each folder. In Claude Code all sessions of a folder began in one directory. */
export function newestOfFolders(found: readonly FoundTranscript[]): FoundTranscript[] {
  const folders = new Set<string>();
  return found.filter(({ path }) => !folders.has(dirname(path)) && folders.add(dirname(path)));
}

type MeasuredFile = { path: string; bytes: number; mtime_ms: number };

/** The size and the last change of each transcript, without reading it. */
export async function measureTranscripts({ agent, folders }: AgentFolders): Promise<MeasuredFile[]> {
  const found: MeasuredFile[] = [];
  for (const path of (await Promise.all(folders.map((folder) => listFilesBelow(folder)))).flat()) {
    const stats = isTranscript(agent, path) ? await statIfThere(path) : null;
    if (stats !== null) found.push({ path, ...measured(stats) });
  }
  return found;
}

/** A file that is there packed and as it was is read as it was. */
function withoutPackedCopies(found: readonly FoundTranscript[]): FoundTranscript[] {
  const keyOf = ({ agent, session_id, file }: FoundTranscript) => `${agent} ${session_id} ${file}`;
  const plain = new Set(found.filter(({ path }) => !isPacked(path)).map(keyOf));
  return found.filter((one) => !isPacked(one.path) || !plain.has(keyOf(one)));
}

function measured({ size, mtimeMs }: Stats): { bytes: number; mtime_ms: number } {
  return { bytes: size, mtime_ms: mtimeMs };
}

/** Files below a session's folder come with its main file. */
function isTranscript(agent: string, path: string): boolean {
  const name = basename(path);
  if (/\.(?:orphaned|superseded)/.test(name) || name.startsWith(".")) return false;
  switch (agent) {
    case "claude-code":
      return (
        name.endsWith(".jsonl") && path.includes("/projects/") && !/\/(?:subagents|tool-results)\//.test(path)
      );
    case "codex":
      return CODEX_FILE.test(name);
    default:
      return /\/chats\/(?:.*\.jsonl|session-[^/]*\.json)$/.test(path);
  }
}

/** The session that a file's name states; null where the name does not. */
export function sessionOfName(agent: string, path: string): string | null {
  const name = basename(path);
  if (agent === "codex") return CODEX_FILE.exec(name)?.[1] ?? null;
  const isOwn = agent === "claude-code" && name.endsWith(".jsonl") && !name.startsWith("agent-");
  return isOwn ? name.slice(0, -".jsonl".length) : null;
}

/** The transcript of a thread of Codex, below its folder; null when there is none. */
export async function findRollout(codex: string, thread: string): Promise<string | null> {
  const paths = await listFilesBelow(join(codex, "sessions"));
  return paths.findLast((path) => !isPacked(path) && sessionOfName("codex", path) === thread) ?? null;
}

/** Null for a file that names no session. */
async function identify(agent: string, path: string): Promise<LocalFile | null> {
  const name = basename(path);
  const named = sessionOfName(agent, path);
  const file = agent === "claude-code" ? "main.jsonl" : unpackedName(name);
  if (named !== null) return { agent, session_id: named, file, kind: "main", path };
  if (name.endsWith(".json")) return identifyDocument(agent, path);
  // Older files of subagents stand next to the session's file, and name it.
  const head = await readHead(path);
  const session_id = head.map((record) => text(record, "sessionId")).find((id) => id !== null) ?? null;
  if (session_id === null) return null;
  return { agent, session_id, file: name, kind: agent === "claude-code" ? "subagent" : "main", path };
}

/** Of a file that is one JSON value. */
async function identifyDocument(agent: string, path: string): Promise<LocalFile | null> {
  const session_id = /"sessionId"\s*:\s*"([^"\\]+)"/.exec(await readBeginning(path))?.[1] ?? null;
  return session_id === null ? null : { agent, session_id, file: basename(path), kind: "main", path };
}

/** What the beginning of a transcript states about its place. */
export async function readOrigin(path: string): Promise<{ cwd: string | null; git_remote: string | null }> {
  for (const record of await readHead(path)) {
    const payload = object(record, "payload");
    const cwd = text(record, "cwd") ?? text(payload, "cwd") ?? text(object(record, "row"), "directory");
    if (cwd !== null) return { cwd, git_remote: text(object(payload, "git"), "repository_url") };
  }
  return { cwd: null, git_remote: null };
}

/** The whole records at the beginning of a file. */
async function readHead(path: string): Promise<JsonObject[]> {
  return (await readBeginning(path)).split("\n").flatMap((line) => {
    const read = readRecord(line);
    return read.line === "record" && isObject(read.record) ? [read.record] : [];
  });
}

/** Empty for a file that is gone, or cannot be read. */
async function readBeginning(path: string): Promise<string> {
  const handle = await openFile(path).catch(nullIfUnreadable);
  if (handle === null) return "";
  try {
    return new TextDecoder().decode(await readAt(handle, 0, HEAD_BYTES));
  } finally {
    await handle.close();
  }
}
