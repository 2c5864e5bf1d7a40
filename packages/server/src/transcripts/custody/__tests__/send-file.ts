import type { TestServer } from "../../../__tests__/setup-app.ts";

export type Sent = {
  session?: string;
  agent?: string;
  device?: string;
  file?: string;
  kind?: string;
  workspace?: string;
  generation?: number;
  offset?: number;
  final?: boolean;
  headers?: Record<string, string>;
};

// biome-ignore lint/suspicious/noExplicitAny: a test states the fields that it expects.
export type Answer = { status: number; body: any };

/** Requests about transcript files, with the admin key unless `key` is another one. */
export function createSender(server: Pick<TestServer, "current" | "key">) {
  async function send(
    method: string,
    path: string,
    body?: Uint8Array | string,
    headers = {},
  ): Promise<Answer> {
    const response = await server.current().app.request(path, {
      method,
      headers: { authorization: `Bearer ${server.key}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return { status: response.status, body: isJson ? await response.json() : await response.text() };
  }

  async function append(body: Uint8Array | string, sent: Sent = {}): Promise<Answer> {
    const { session = "s1", agent = "claude-code", device = "laptop", file = "main.jsonl", headers } = sent;
    const query = new URLSearchParams({ agent, device_id: device, file });
    if (sent.kind !== undefined) query.set("kind", sent.kind);
    if (sent.workspace !== undefined) query.set("workspace_id", sent.workspace);
    if (sent.generation !== undefined) query.set("generation", String(sent.generation));
    if (sent.offset !== undefined) query.set("offset", String(sent.offset));
    if (sent.final === true) query.set("final", "1");
    return await send("POST", `/api/sessions/${session}/transcript/append?${query}`, body, headers);
  }

  async function upload(body: Uint8Array | string, query = "device_id=laptop", session = "s1", headers = {}) {
    return await send("POST", `/api/sessions/${session}/transcript/upload?${query}`, body, headers);
  }

  async function raw(query = "file=main.jsonl", session = "s1"): Promise<string> {
    const { status, body } = await send("GET", `/api/sessions/${session}/transcript/raw?${query}`);
    return status === 200 ? body : `${status}`;
  }

  async function files(session = "s1") {
    return (await send("GET", `/api/sessions/${session}/transcript/files`)).body.files;
  }

  return { send, append, upload, raw, files };
}
