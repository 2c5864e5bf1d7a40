import { createUlid } from "../../packages/protocol/src/ulid.ts";

export const DEVICES = 50;
export const WORKSPACES = 20;
export const SESSIONS = 500;
const FIRST_EVENT_AT_MS = Date.UTC(2026, 10, 1);
const BODY_TEXT_CHARACTERS = 330;

export type BenchEvent = {
  id: string;
  type: string;
  timestamp: string;
  device_id: string;
  workspace_id: string;
  session_id: string;
  data: Record<string, unknown>;
};

/** A linear congruential generator: the same events in every run. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}

export const deviceId = (n: number) => `device-${n}`;
export const sessionId = (n: number) => `5e55104e-0000-4000-8000-${String(n).padStart(12, "0")}`;
export const canonicalId = (n: number) => `github.com/acme/repository-${n}`;
/** Workspaces of the seed have ids that the COPY can name. */
export const workspaceUlid = (n: number) => `01JWKSP${String(n).padStart(19, "0")}`;
export const workspaceOfSession = (session: number) => (session * 7) % WORKSPACES;
export const deviceOfSession = (session: number) => session % DEVICES;

/** Events as in life: of about 590 bytes, one in ten git, one in fifty a session's start or end. */
export function createEvents(count: number, random: () => number): BenchEvent[] {
  return Array.from({ length: count }, (_, position) =>
    createEvent(FIRST_EVENT_AT_MS + position * 20, random),
  );
}

function createEvent(atMs: number, random: () => number): BenchEvent {
  const session = Math.floor(random() * SESSIONS);
  const latenessMs = Math.floor(random() * 5_000);
  const [type, data] = createPayload(random, sessionId(session));
  return {
    id: createUlid(atMs - latenessMs),
    type,
    timestamp: new Date(atMs - latenessMs).toISOString(),
    device_id: deviceId(deviceOfSession(session)),
    workspace_id: canonicalId(workspaceOfSession(session)),
    session_id: sessionId(session),
    data,
  };
}

function createPayload(random: () => number, session: string): [string, Record<string, unknown>] {
  const dice = random();
  if (dice < 0.1) return ["git.commit", commit(random)];
  if (dice < 0.11) return ["session.start", start(random, session)];
  if (dice < 0.12) return ["session.end", end(random, session)];
  return [
    "tool.use",
    {
      tool_name: "Edit",
      tool_use_id: hex(random, 24),
      duration_ms: Math.floor(random() * 9_000),
      ok: true,
      text: words(random, BODY_TEXT_CHARACTERS),
    },
  ];
}

function commit(random: () => number): Record<string, unknown> {
  return {
    hash: hex(random, 40),
    message: words(random, 120),
    author_name: "Jane Developer",
    author_email: "jane@example.com",
    branch: "feature/token-refresh",
    files_changed: 3,
    insertions: Math.floor(random() * 900),
    deletions: Math.floor(random() * 200),
    file_list: Array.from({ length: 3 }, () => ({
      path: `packages/server/src/${hex(random, 12)}.ts`,
      status: "M",
    })),
  };
}

function start(random: () => number, session: string): Record<string, unknown> {
  const transcript_path = `/home/jane/.claude/projects/${hex(random, 40)}.jsonl`;
  return {
    cc_session_id: session,
    cwd: "/home/jane/work/project",
    git_branch: "main",
    git_remote: null,
    cc_version: "2.1.33",
    model: "claude-opus-4",
    source: "startup",
    transcript_path,
    note: words(random, 120),
  };
}

function end(random: () => number, session: string): Record<string, unknown> {
  return {
    cc_session_id: session,
    duration_ms: Math.floor(random() * 1e7),
    end_reason: "exit",
    transcript_path: `/home/jane/${hex(random, 40)}.jsonl`,
    note: words(random, 200),
  };
}

function hex(random: () => number, length: number): string {
  let text = "";
  while (text.length < length)
    text += Math.floor(random() * 0xfff_ffff)
      .toString(16)
      .padStart(7, "0");
  return text.slice(0, length);
}

const WORDS =
  "fix auth middleware refresh token race condition when the session cookie is rotated during concurrent requests add tests".split(
    " ",
  );

function words(random: () => number, length: number): string {
  let text = "";
  while (text.length < length) text += `${WORDS[Math.floor(random() * WORDS.length)]} `;
  return text.slice(0, length);
}
