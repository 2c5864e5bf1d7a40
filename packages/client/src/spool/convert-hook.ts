import { join } from "node:path";
import { type JsonObject, text } from "@wharf/transcripts";
import { convertGitHook, type EventBody } from "../git/convert-git-hook.ts";
import type { FindPlace, Place } from "../git/find-place.ts";
import { gitText, type RunGit } from "../git/run-git.ts";
import type { NewEvent } from "../sdk/events.ts";
import { emptyEventData } from "../share/empty-texts.ts";
import type { ShareLevel } from "../share/rules.ts";
import type { HookOrigin, ShareLevels } from "../share/share-level.ts";
import { findRollout, sessionOfName } from "../transcripts/find-transcripts.ts";
import { convertAgentHook, readAgentInput, readNotification } from "./convert-agent-hook.ts";
import { eventIdOf, fieldOf, type HookFile } from "./read-hook-file.ts";
import type { SessionTable } from "./session-table.ts";

export type ConvertDependencies = {
  device_id: string;
  /** Home directory of the user. */
  home: string;
  run: RunGit;
  findPlace: FindPlace;
  sessions: SessionTable;
  /** What of a hook is sent; by default all. */
  shareOf?: ShareLevels["ofHook"];
  /** One line of JSON, with markers in place of secrets. */
  redact: (line: string) => string;
};

/** A transcript file that a hook names. */
export type NamedTranscript = { agent: string; session_id: string; path: string; cwd: string | null };

export type Converted = { events: NewEvent[]; origin: HookOrigin; transcript: NamedTranscript | null };

/** The events of a hook, redacted; the same ones each time. Throws UnreadableHookError. */
export async function convertHook(hook: HookFile, dependencies: ConvertDependencies): Promise<Converted> {
  if (hook.source === "git") return fromGit(hook, dependencies);
  if (hook.source !== "codex-notify") return fromAgent(hook, hook.source, readAgentInput(hook), dependencies);
  const input = readNotification(readAgentInput(hook));
  if (input === null)
    return { events: [], origin: { agent: "codex", cwd: null, transcript: null }, transcript: null };
  const codex = fieldOf(hook, "config") ?? join(dependencies.home, ".codex");
  const transcript_path = await findRollout(codex, text(input, "session_id") ?? "");
  return fromAgent(hook, "codex", { ...input, transcript_path }, dependencies);
}

async function fromGit(hook: HookFile, dependencies: ConvertDependencies): Promise<Converted> {
  const { run, findPlace, sessions } = dependencies;
  const cwd = fieldOf(hook, "pwd");
  const origin = { agent: null, cwd, transcript: null };
  const bodies = await convertGitHook(hook, run);
  if (bodies.length === 0) return { events: [], origin, transcript: null };
  const session_id = fieldOf(hook, "session") ?? (await sessions.find(parentsOf(hook)));
  const place = await findPlace(cwd);
  const share = await dependencies.shareOf?.(origin);
  const events = envelopes(hook, bodies, { session_id, place, share, dependencies });
  return { events, origin, transcript: null };
}

async function fromAgent(
  hook: HookFile,
  agent: string,
  input: JsonObject,
  dependencies: ConvertDependencies,
): Promise<Converted> {
  const cwd = text(input, "cwd") ?? fieldOf(hook, "pwd");
  const place = await dependencies.findPlace(cwd);
  const isStart = cwd !== null && text(input, "hook_event_name") === "SessionStart";
  const branch = ["symbolic-ref", "--short", "-q", "HEAD"];
  const git_branch = isStart ? await gitText(dependencies.run, cwd, branch) : null;
  const body = convertAgentHook(input, { agent, git_remote: place.git_remote, git_branch });
  const session_id = text(input, "session_id") ?? "";
  if (body?.type === "session.start") {
    const config = fieldOf(hook, "config") ?? join(dependencies.home, ".claude");
    await dependencies.sessions.begin(parentsOf(hook), { session_id, config, time_ms: hook.time_ms });
  }
  const path = text(input, "transcript_path");
  // After /clear and --continue a hook may name the session before; the file's name is that of its own.
  const own = path === null ? null : (sessionOfName(agent, path) ?? session_id);
  const transcript =
    path === null || path === "" || own === null ? null : { agent, session_id: own, path, cwd };
  const origin = { agent, cwd, transcript: path || null };
  const share = await dependencies.shareOf?.(origin);
  const events = body === null ? [] : envelopes(hook, [body], { session_id, place, share, dependencies });
  return { events, origin, transcript };
}

type Envelope = {
  session_id: string | null;
  place: Place;
  share: ShareLevel | undefined;
  dependencies: ConvertDependencies;
};

function envelopes(
  hook: HookFile,
  bodies: EventBody[],
  { session_id, place, share = "full", dependencies }: Envelope,
): NewEvent[] {
  if (share === "nothing") return [];
  const { device_id, redact } = dependencies;
  return bodies.map(({ type, data }, index) => ({
    id: eventIdOf(hook, device_id, index),
    type,
    timestamp: new Date(hook.time_ms).toISOString(),
    device_id,
    workspace_id: place.workspace_id,
    session_id,
    data: JSON.parse(redact(JSON.stringify(share === "facts" ? emptyEventData(data) : data))) as Record<
      string,
      unknown
    >,
  }));
}

function parentsOf(hook: HookFile): string[] {
  return (fieldOf(hook, "parents") ?? "").split(" ").filter((pid) => pid !== "");
}
