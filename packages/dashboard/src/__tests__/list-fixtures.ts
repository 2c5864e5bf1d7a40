import type { Client } from "@wharf/client";
import { createUlid } from "@wharf/protocol";
import { until } from "@wharf/testkit";
import { loadDemo } from "../../../client/src/demo/load-demo.ts";

/** One more than a page of the list has. */
export const MANY = 60;
export const HOSTILE_PROMPT = '<img src=x onerror="alert(1)"> Feed the pelican';
export const HOSTILE_ID = "session-with-html";
export const UNPRICED_MODEL = "mystery-model-1";
export const HASH = "abcdef0123456789abcdef0123456789abcdef01";
const MINUTE_MS = 60_000;

/** Some demo sessions, a repository with many sessions, a session with hostile text and a model without a price, and a commit. */
export async function loadLists(client: Client): Promise<void> {
  const now = Date.now();
  await loadDemo(client, { now: new Date(now), days: 3, seed: 7 }, () => undefined);
  const ago = (minutes: number) => new Date(now - minutes * MINUTE_MS).toISOString();
  await Promise.all(
    Array.from({ length: MANY }, (_, n) =>
      client.sessions.report({
        id: `many-${n}`,
        workspace_canonical_id: "github.com/acme/many",
        device_id: "acme-desk",
        device_name: "Acme desk",
        started_at: ago(600 + n),
        ended_at: ago(599 + n),
        initial_prompt: `Task ${n}`,
        tags: n === 0 ? ["first"] : [],
      }),
    ),
  );
  // Of the same name in another place.
  await client.sessions.report({
    id: "elsewhere",
    workspace_canonical_id: "gitlab.com/acme/many",
    device_id: "acme-desk",
    started_at: ago(900),
  });
  await client.events.send([
    event("session.start", ago(30), { cc_session_id: HOSTILE_ID, cwd: "/home/ada/birds", source: "startup" }),
    event("git.commit", ago(20), {
      hash: HASH,
      message: "Feed the pelican",
      author_name: "Ada",
      branch: "main",
      files_changed: 1,
      insertions: 3,
      deletions: 1,
    }),
  ]);
  const bytes = new TextEncoder().encode(
    hostileTranscript(ago)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(""),
  );
  await client.transcripts.append({
    session_id: HOSTILE_ID,
    agent: "claude-code",
    device_id: "bird-box",
    file: `${HOSTILE_ID}.jsonl`,
    offset: 0,
    bytes,
  });
  await until(async () => (await client.search({ q: "pelican" })).results.length > 0);
}

export function event(type: string, timestamp: string, data: Record<string, unknown>) {
  return {
    id: createUlid(),
    type,
    timestamp,
    device_id: "bird-box",
    workspace_id: "github.com/acme/birds",
    session_id: type.startsWith("git.") ? null : String(data["cc_session_id"] ?? data["session_id"]),
    data,
  };
}

function hostileTranscript(ago: (minutes: number) => string): unknown[] {
  const common = {
    sessionId: HOSTILE_ID,
    cwd: "/home/ada/birds",
    version: "2.1.280",
    isSidechain: false,
    userType: "external",
  };
  return [
    {
      ...common,
      type: "user",
      uuid: "u-1",
      parentUuid: null,
      timestamp: ago(29),
      message: { role: "user", content: HOSTILE_PROMPT },
    },
    {
      ...common,
      type: "assistant",
      uuid: "a-1",
      parentUuid: "u-1",
      timestamp: ago(28),
      requestId: "req-1",
      message: {
        id: "msg-1",
        type: "message",
        role: "assistant",
        model: UNPRICED_MODEL,
        content: [{ type: "text", text: "The pelican was fed." }],
        stop_reason: "end_turn",
        usage: {
          input_tokens: 100,
          output_tokens: 20,
          cache_read_input_tokens: 900,
          cache_creation_input_tokens: 0,
        },
      },
    },
  ];
}
