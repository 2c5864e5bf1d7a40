import { createUlid, type IngestResponse } from "@wharf/protocol";
import type { TestServer } from "../../__tests__/setup-app.ts";

export const WORKSPACE = "github.com/acme/widgets";
export const DEVICE = "laptop";
const START_MS = Date.parse("2026-03-01T10:00:00Z");

export type SentEvent = {
  id: string;
  type: string;
  timestamp: string;
  device_id: string;
  workspace_id: string;
  session_id?: string | null;
  data: Record<string, unknown>;
  blob_refs?: unknown[];
};

/** A time of the day on which these tests play. */
export function minute(minutes: number): string {
  return new Date(START_MS + minutes * 60_000).toISOString();
}

export function anEvent(fields: Partial<SentEvent> = {}): SentEvent {
  return {
    id: createUlid(),
    type: "system.heartbeat",
    timestamp: minute(0),
    device_id: DEVICE,
    workspace_id: WORKSPACE,
    session_id: null,
    data: {},
    ...fields,
  };
}

export function start(session: string, at: number, data: object = {}, fields: Partial<SentEvent> = {}) {
  const payload = { cc_session_id: session, cwd: "/repo", source: "startup", ...data };
  return anEvent({
    type: "session.start",
    session_id: session,
    timestamp: minute(at),
    data: payload,
    ...fields,
  });
}

export function end(session: string, at: number, data: object = {}, fields: Partial<SentEvent> = {}) {
  const payload = { cc_session_id: session, duration_ms: 60_000, end_reason: "exit", ...data };
  return anEvent({
    type: "session.end",
    session_id: session,
    timestamp: minute(at),
    data: payload,
    ...fields,
  });
}

export function toolUse(session: string, at: number, fields: Partial<SentEvent> = {}) {
  return anEvent({
    type: "tool.use",
    session_id: session,
    timestamp: minute(at),
    data: { tool: "bash" },
    ...fields,
  });
}

export function commit(at: number, fields: Partial<SentEvent> = {}, data: object = {}) {
  const counts = { files_changed: 1, insertions: 2, deletions: 3 };
  return anEvent({
    type: "git.commit",
    timestamp: minute(at),
    data: { hash: "abc123", message: "Fix it", author_name: "Me", branch: "main", ...counts, ...data },
    ...fields,
  });
}

/** Posts a batch, which has to be accepted, and waits until it is projected; answers with the response's body. */
export async function send(
  server: Pick<TestServer, "request" | "projected">,
  events: readonly unknown[],
): Promise<IngestResponse> {
  const { status, body } = await server.request("POST", "/api/events", { events });
  if (status !== 202) throw new Error(`The batch was answered with ${status}: ${JSON.stringify(body)}`);
  await server.projected();
  return body;
}

export function statuses(response: IngestResponse): string[] {
  return response.results.map((result) => result.status);
}

export function counts({ ingested, duplicates, rejected }: IngestResponse) {
  return { ingested, duplicates, rejected };
}
