import type {
  ContentBlock,
  FoundMessages,
  OutlinePrompt,
  TranscriptAppendResponse,
  TranscriptDensity,
  TranscriptFile,
  TranscriptHeld,
  TranscriptKind,
  TranscriptPage,
  TranscriptUploadResponse,
} from "@wharf/protocol";
import type { Http, HubRequest } from "./http.ts";
import { HubError } from "./hub-error.ts";
import { type ListOf, segment } from "./lists.ts";

export type TranscriptQuery = {
  subagent_id?: string;
  around?: string;
  /** Without `around` and `cursor`; `end`: the last page. */
  from?: "start" | "end";
  density?: TranscriptDensity;
  limit?: number;
  cursor?: string;
};

type Place = {
  session_id: string;
  agent: string;
  device_id: string;
  /** The path below the session's folder, such as `subagents/agent-1.jsonl`. */
  file: string;
  kind?: TranscriptKind;
  workspace_id?: string;
  /** When the agent deletes the file on the device, ISO 8601. */
  deletes_at?: string;
};

export type Append = Place & {
  generation?: number;
  /** Of the device's own file, where this part begins. */
  offset: number;
  /** The file does not grow any more: a last line without a newline is kept. */
  isFinal?: boolean;
  bytes: Uint8Array<ArrayBuffer>;
  /** Of the device's own file before redaction; chain hashes of @wharf/transcripts. */
  source?: { offsetHash?: string; bytes?: number; hash?: string };
};

export type Upload = Omit<Place, "agent" | "device_id" | "file"> & {
  agent?: string;
  device_id?: string;
  file?: string;
  subagent_id?: string;
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | Blob;
};

export type Transcripts = {
  files(sessionId: string, query?: { device_id?: string }): Promise<TranscriptFile[]>;
  /** Resolves after the commit. Throws HubError; `heldOf` reads what a conflict names. */
  append(append: Append): Promise<TranscriptAppendResponse>;
  /** A whole file, at most 200 MB; a stream is sent as it is read. */
  upload(upload: Upload): Promise<TranscriptUploadResponse>;
  messages(sessionId: string, query?: TranscriptQuery): Promise<TranscriptPage>;
  /** What was asked, with what each prompt took. */
  outline(
    sessionId: string,
    query?: { limit?: number; cursor?: string },
  ): Promise<ListOf<"prompts", OutlinePrompt>>;
  /** Messages of the session and its subagents with all of the words, in their order. */
  find(sessionId: string, query: { q: string; limit?: number; cursor?: string }): Promise<FoundMessages>;
  blocks(
    sessionId: string,
    messageId: string,
    query?: { limit?: number; cursor?: string },
  ): Promise<ListOf<"blocks", ContentBlock>>;
  /** Of a block's `metadata.images`, counted from 0; PNG, JPEG, GIF or WebP. Throws HubError for an image that cannot be shown. */
  image(sessionId: string, blockId: string, index: number): Promise<Response>;
  /** The path of `image` on the hub, for the page of a browser that is signed in. */
  imagePath(sessionId: string, blockId: string, index: number): string;
  /** The bytes as kept, but for redactions; a stream. */
  raw(sessionId: string, query: { file: string; generation?: number; device_id?: string }): Promise<Response>;
};

/** Of a TRANSCRIPT_CONFLICT: what the hub holds. Null for other errors. */
export function heldOf(error: unknown): TranscriptHeld | null {
  if (!(error instanceof HubError) || error.code !== "TRANSCRIPT_CONFLICT") return null;
  const { held } = error.body as { held?: TranscriptHeld | null };
  return held != null && isPosition(held) ? held : null;
}

/** A file counts as sent by it. */
function isPosition({ generation, source_bytes }: Partial<TranscriptHeld>): boolean {
  return [generation, source_bytes].every((value) => Number.isSafeInteger(value) && Number(value) >= 0);
}

export function createTranscripts(http: Http): Transcripts {
  const path = (id: string) => `/api/sessions/${segment(id)}/transcript`;

  async function append({ session_id, bytes, source, isFinal, ...place }: Append) {
    const { encoding, bytes: body } = (await http.compress?.(bytes)) ?? { encoding: null, bytes };
    const request: HubRequest = {
      method: "POST",
      query: { ...place, ...(isFinal ? { final: 1 } : {}) },
      body,
      headers: {
        "content-type": "application/octet-stream",
        ...(encoding === null ? {} : { "content-encoding": encoding }),
        ...(source?.offsetHash === undefined ? {} : { "source-offset-hash": source.offsetHash }),
        ...(source?.bytes === undefined ? {} : { "source-bytes": String(source.bytes) }),
        ...(source?.hash === undefined ? {} : { "source-hash": source.hash }),
      },
    };
    return await http.json<TranscriptAppendResponse>(`${path(session_id)}/append`, request, isPosition);
  }

  const imagePath = (id: string, blockId: string, index: number) =>
    `${path(id)}/blocks/${segment(blockId)}/images/${index}`;

  return {
    append,
    files: async (id, query = {}) =>
      (await http.json<{ files: TranscriptFile[] }>(`${path(id)}/files`, { query })).files,
    upload: ({ session_id, body, ...query }) =>
      http.json(`${path(session_id)}/upload`, {
        method: "POST",
        query,
        body,
        headers: { "content-type": "application/octet-stream" },
        timeoutMs: 0,
      }),
    messages: (id, query = {}) => http.json(path(id), { query }),
    outline: (id, query = {}) => http.json(`/api/sessions/${segment(id)}/outline`, { query }),
    find: (id, query) => http.json(`${path(id)}/find`, { query }),
    blocks: (id, messageId, query = {}) => http.json(`${path(id)}/messages/${segment(messageId)}`, { query }),
    image: (...image) => http.send(imagePath(...image)),
    imagePath,
    raw: (id, query) => http.send(`${path(id)}/raw`, { query, timeoutMs: 0 }),
  };
}
