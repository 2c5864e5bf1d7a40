import type { SentEvent } from "../../ingest/__tests__/event-factory.ts";
import { ADMIN_KEY } from "../faults/server-process.ts";

// biome-ignore lint/suspicious/noExplicitAny: the scenario reads a response's fields and fails where they are not there.
type Body = any;

/** Requests to a server, each of which has to succeed. */
export function createSender(url: string, key: string = ADMIN_KEY) {
  async function send(method: string, path: string, body?: unknown): Promise<Body> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : JSON.parse(text);
  }

  const post = (path: string, body: unknown) => send("POST", path, body);

  /** Events that all have to be stored. */
  async function events(batch: readonly SentEvent[]): Promise<void> {
    const answer = await post("/api/events", { events: batch });
    if (answer.ingested !== batch.length) throw new Error(`not all stored: ${JSON.stringify(answer)}`);
  }

  return { send, post, events };
}

export type Sender = ReturnType<typeof createSender>;
