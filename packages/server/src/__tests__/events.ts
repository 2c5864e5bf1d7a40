import { createUlid } from "@wharf/protocol";
import type { TestServer } from "./setup-app.ts";

export type EventFields = {
  id?: string;
  type?: string;
  timestamp?: string;
  device_id?: string;
  workspace_id?: string;
  session_id?: string | null;
  data?: Record<string, unknown>;
};

/** An event as a device sends it, with defaults for all fields. */
export function event(fields: EventFields = {}) {
  return {
    id: createUlid(),
    type: "test.happened",
    timestamp: "2025-03-14T10:00:00.000000Z",
    device_id: "laptop",
    workspace_id: "github.com/acme/site",
    session_id: null,
    data: {},
    ...fields,
  };
}

export function sessionStart(session_id: string, fields: EventFields = {}) {
  return event({
    type: "session.start",
    session_id,
    ...fields,
    data: { cc_session_id: session_id, cwd: "/home/ada/site", source: "startup", ...fields.data },
  });
}

export function sessionEnd(session_id: string, fields: EventFields = {}) {
  return event({
    type: "session.end",
    session_id,
    ...fields,
    data: { cc_session_id: session_id, duration_ms: 60_000, end_reason: "exit", ...fields.data },
  });
}

export function gitCommit(fields: EventFields = {}) {
  return event({
    type: "git.commit",
    ...fields,
    data: {
      hash: "a".repeat(40),
      message: "Change it",
      author_name: "Ada",
      branch: "main",
      files_changed: 1,
      insertions: 2,
      deletions: 3,
      ...fields.data,
    },
  });
}

/** Sends events through the API and waits until they are projected; every one of them has to be accepted. */
export async function ingest(server: TestServer, events: readonly object[]): Promise<void> {
  const { status, body } = await server.request("POST", "/api/events", { events });
  if (status !== 202 || body.ingested !== events.length)
    throw new Error(`not all accepted: ${status} ${JSON.stringify(body)}`);
  await server.projected();
}

/** 2025-03-14T10:00 UTC plus so many seconds, with microseconds. */
export function at(seconds: number, micros = 0): string {
  const base = new Date(Date.UTC(2025, 2, 14, 10) + seconds * 1000).toISOString().slice(0, 19);
  return `${base}.${String(micros).padStart(6, "0")}Z`;
}

/** Every item of a list, page by page; `onPage` runs between pages. */
export async function walk(
  server: TestServer,
  path: string,
  list: string,
  onPage: () => Promise<unknown> = async () => undefined,
  // biome-ignore lint/suspicious/noExplicitAny: a test states the fields that it expects.
): Promise<any[]> {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const items: any[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < 1000; pages++) {
    const separator = path.includes("?") ? "&" : "?";
    const next: string = cursor === null ? path : `${path}${separator}cursor=${cursor}`;
    const { status, body } = await server.request("GET", next);
    if (status !== 200) throw new Error(`GET ${next}: ${status} ${JSON.stringify(body)}`);
    items.push(...body[list]);
    if (body.has_more !== (body.next_cursor !== null)) throw new Error("has_more and next_cursor disagree");
    cursor = body.next_cursor;
    if (cursor === null) return items;
    await onPage();
  }
  throw new Error("the list does not end");
}
