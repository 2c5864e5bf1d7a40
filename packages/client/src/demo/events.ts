import { DEMO_DEVICE_IDS } from "@wharf/protocol/demo-devices";
import { createUlid } from "@wharf/protocol/ulid";
import type { NewEvent } from "../sdk/events.ts";
import { CLAUDE_CODE_VERSION } from "./claude-code-files.ts";
import { filesOf } from "./files-of-session.ts";
import { commitTime } from "./plan-sessions.ts";
import { type DemoSession, type DemoTurn, END_MS, endOfTurn, endOfTurns, folderOf } from "./session.ts";

/** What hooks of the agent and of git send of a session. */
export function eventsOf(session: DemoSession): NewEvent[] {
  const [{ at }] = session.turns;
  const event = eventWriter(session);
  const cc_session_id = session.id;
  const transcript_path = `${folderOf(session)}/${filesOf(session)[0]?.file}`;
  const start = event("session.start", at, {
    cc_session_id,
    transcript_path,
    cwd: folderOf(session),
    git_branch: session.repository.branch,
    git_remote: session.repository.remote,
    cc_version: session.agent === "claude-code" ? CLAUDE_CODE_VERSION : null,
    model: session.model,
    source: "startup",
    _device_name: session.device.name,
    _device_type: session.device.id === DEMO_DEVICE_IDS.server ? "remote" : "local",
  });
  const turns = session.turns.flatMap((turn) => eventsOfTurn(session, turn, event));
  if (session.state !== null) return [start, ...turns];
  const ended = new Date(endOfTurns(session).getTime() + END_MS);
  const end = {
    cc_session_id,
    transcript_path,
    duration_ms: ended.getTime() - at.getTime(),
    end_reason: "exit",
  };
  return [start, ...turns, event("session.end", ended, end)];
}

type WriteEvent = (
  type: string,
  at: Date,
  data: Record<string, unknown>,
  session_id?: string | null,
) => NewEvent;

function eventWriter({ id, device, repository }: DemoSession): WriteEvent {
  return (type, at, data, session_id = id) => ({
    id: createUlid(at.getTime()),
    type,
    timestamp: at.toISOString(),
    device_id: device.id,
    workspace_id: repository.remote,
    session_id,
    data,
  });
}

function eventsOfTurn(session: DemoSession, turn: DemoTurn, event: WriteEvent): NewEvent[] {
  const events = [event("agent.prompt", turn.at, { text: turn.prompt })];
  if (turn.commit !== null) {
    const { hash, message, files, insertions, deletions } = turn.commit;
    const data = {
      hash,
      message,
      author_name: "Ada",
      author_email: "ada@example.com",
      branch: session.repository.branch,
      files_changed: files.length,
      insertions,
      deletions,
      file_list: files.map((path) => ({ path, status: "M" })),
      cwd: folderOf(session),
    };
    // Git does not know of the session: the call that printed the hash shows it.
    events.push(event("git.commit", commitTime(turn), data, null));
  }
  const last = endOfTurn(turn);
  if (session.state === "working")
    return [...events, event("agent.tool", last, { tool: "Bash", tool_use_id: "open" })];
  if (session.state === "needs permission")
    return [...events, event("agent.waiting", last, { reason: "permission", tool: "Bash" })];
  return [...events, event("agent.turn_end", last, {})];
}
