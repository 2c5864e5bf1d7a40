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
const DAY_MS = 24 * 60 * MINUTE_MS;

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
    commit(ago(20)),
  ]);
  await appendTranscript(client, HOSTILE_ID, transcriptOf(HOSTILE_ID, HOSTILE_PROMPT, ago));
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

export function commit(timestamp: string) {
  return event("git.commit", timestamp, {
    hash: HASH,
    message: "Feed the pelican",
    author_name: "Ada",
    branch: "main",
    files_changed: 1,
    insertions: 3,
    deletions: 1,
  });
}

export async function appendTranscript(
  client: Client,
  session_id: string,
  lines: readonly unknown[],
): Promise<void> {
  await client.transcripts.append({
    session_id,
    agent: "claude-code",
    device_id: "bird-box",
    file: `${session_id}.jsonl`,
    offset: 0,
    deletes_at: new Date(Date.now() + DAY_MS).toISOString(),
    bytes: new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join("")),
  });
}

/** A prompt and its response, by a model that has no price. */
export function transcriptOf(
  sessionId: string,
  prompt: string,
  ago: (minutes: number) => string,
): readonly unknown[] {
  const common = {
    sessionId,
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
      message: { role: "user", content: prompt },
    },
    {
      ...common,
      type: "assistant",
      uuid: "a-1",
      parentUuid: "u-1",
      timestamp: ago(28),
      requestId: `req-${sessionId}`,
      message: {
        id: `msg-${sessionId}`,
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
