import { dirname, join } from "node:path";
import type { Environment } from "../cli/environment.ts";
import { statIfThere } from "../spool/files.ts";
import { cleanupDaysIn, DEFAULT_CLEANUP_DAYS } from "./deletion-times.ts";
import {
  agentFolders,
  type FoundTranscript,
  findTranscripts,
  newestOfFolders,
  readOrigin,
} from "./find-transcripts.ts";

/** What an agent deletes of its transcripts by itself. Only Claude Code does. */
export type AgentRetention = {
  agent: "claude-code";
  /** With the settings and the transcripts. */
  root: string;
  /** After the last change of a file. */
  days: number;
  /** The settings file that names them; null: the default of the agent. A project's counts for all of the machine. */
  set_in: string | null;
  sessions: number;
  /** Of the oldest file; null without any. */
  next_deletion_at: string | null;
  /** Files of sessions, the one that is deleted first in front; it happens when the agent starts next, not before `deletes_at`. */
  due: { file: FoundTranscript; deletes_at: string }[];
};

const DAY_MS = 86_400_000;

/** For each folder of an agent that has transcripts. `due`: those that are deleted within `within_days`. */
export async function readRetention(
  environment: Environment,
  home: string,
  { now = Date.now(), within_days = 7 }: { now?: number; within_days?: number } = {},
): Promise<AgentRetention[]> {
  const claude = agentFolders(environment, home).filter(({ agent }) => agent === "claude-code");
  const all: AgentRetention[] = [];
  for (const folder of claude.flatMap(({ folders }) => folders)) {
    if (!folder.endsWith("/projects")) continue;
    if ((await statIfThere(folder)) === null) continue;
    const root = dirname(folder);
    const files = await findTranscripts([{ agent: "claude-code", folders: [folder] }]);
    const { days, set_in } = await shortest(root, files);
    const deletions = files
      .toSorted((a, b) => a.mtime_ms - b.mtime_ms)
      .map((file) => ({ file, deletes_at: new Date(file.mtime_ms + days * DAY_MS).toISOString() }));
    const until = new Date(now + within_days * DAY_MS).toISOString();
    const due = deletions.filter(({ deletes_at }) => deletes_at < until);
    const sessions = new Set(files.map(({ session_id }) => session_id)).size;
    const next_deletion_at = deletions[0]?.deletes_at ?? null;
    all.push({ agent: "claude-code", root, days, set_in, sessions, next_deletion_at, due });
  }
  return all;
}

/** A session of any project deletes the files of all: of their settings the fewest days count. */
async function shortest(
  root: string,
  files: readonly FoundTranscript[],
): Promise<Pick<AgentRetention, "days" | "set_in">> {
  const own = join(root, "settings.json");
  const days = await cleanupDaysIn(own);
  let found = { days: days ?? DEFAULT_CLEANUP_DAYS, set_in: days === null ? null : own };
  for (const project of await projectsOf(files)) {
    for (const name of ["settings.json", "settings.local.json"]) {
      const set_in = join(project, ".claude", name);
      const ofProject = set_in === own ? null : await cleanupDaysIn(set_in);
      if (ofProject !== null && ofProject < found.days) found = { days: ofProject, set_in };
    }
  }
  return found;
}

/** Directories of sessions; one file of each folder names them. */
async function projectsOf(files: readonly FoundTranscript[]): Promise<Set<string>> {
  const projects = new Set<string>();
  for (const { path } of newestOfFolders(files)) {
    const { cwd } = await readOrigin(path);
    if (cwd !== null) projects.add(cwd);
  }
  return projects;
}
