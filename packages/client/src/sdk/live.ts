import type { LiveKind, LiveMessage } from "@wharf/protocol";
import type { Http } from "./http.ts";
import { HubError } from "./hub-error.ts";

export type LiveOptions = {
  /** Only what is of this workspace (id, git remote or name), session or device. */
  workspace_id?: string;
  session_id?: string;
  device_id?: string;
  /** All by default. */
  kinds?: readonly LiveKind[];
  /** The id of an event: what came after it is sent first. */
  after?: string;
  /** Ends the iteration. */
  signal?: AbortSignal;
};

/**
 * `begin`: everything that changes from now on follows, so read your lists after it; not sent with `after`. `reset`: read them again. The
 * others are described in docs/reading.md.
 */
export type LiveUpdate = { kind: "begin"; id: string } | Exclude<LiveMessage, { kind: "end" }>;

/** The hub sends something every 10 seconds. */
const SILENCE_MS = 30_000;
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
const TOO_MANY = 429;

type Block = { id: string | undefined; message: LiveMessage | null };

/**
 * Changes as they happen. Reconnects after every interruption, without a gap and without a repeat. Ends when `signal` aborts; throws
 * HubError for what a retry does not help, such as a revoked key.
 */
export async function* followLive(http: Http, options: LiveOptions = {}): AsyncGenerator<LiveUpdate, void> {
  const { after = "", signal } = options;
  let id = after;
  let waitMs = RETRY_MS;
  const isAborted = () => signal?.aborted === true;
  while (!isAborted()) {
    try {
      for await (const block of readStream(http, options, id)) {
        waitMs = RETRY_MS;
        if (id === "" && block.id !== undefined) yield { kind: "begin", id: block.id };
        if (block.message !== null && block.message.kind !== "end") yield block.message;
        id = block.id ?? id;
      }
    } catch (error) {
      if (isAborted()) return;
      if (isFinal(error)) throw error;
      if (error instanceof HubError) waitMs = error.retryAfterMs ?? waitMs;
    }
    await pause(waitMs, signal);
    waitMs = Math.min(2 * waitMs, RETRY_MS_MAX);
  }
}

/** A connection that was lost or refused for now is worth a retry. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof HubError &&
    !error.isUnreachable &&
    error.status !== TOO_MANY &&
    (error.status ?? 0) < 500
  );
}

/** The blocks of one connection. A connection that is silent for SILENCE_MS is lost. */
async function* readStream(http: Http, options: LiveOptions, id: string): AsyncGenerator<Block, void> {
  const { after: _, signal, ...query } = options;
  const connection = new AbortController();
  const abort = () => connection.abort();
  signal?.addEventListener("abort", abort);
  let silence = setTimeout(abort, SILENCE_MS);
  try {
    const headers = { accept: "text/event-stream", ...(id === "" ? {} : { "last-event-id": id }) };
    const response = await http.send("/api/live", {
      query,
      headers,
      timeoutMs: 0,
      signal: connection.signal,
    });
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of chunksOf(response, connection.signal)) {
      clearTimeout(silence);
      silence = setTimeout(abort, SILENCE_MS);
      const blocks = (text + decoder.decode(chunk, { stream: true })).split("\n\n");
      text = blocks.pop() ?? "";
      yield* blocks.map(readBlock);
    }
  } finally {
    clearTimeout(silence);
    signal?.removeEventListener("abort", abort);
    abort();
  }
}

/** Not every runtime iterates over a body, and not every fetch passes an abort on to it. */
async function* chunksOf({ body }: Response, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const reader = body?.getReader();
  const cancel = () => void reader?.cancel().catch(() => undefined);
  signal.addEventListener("abort", cancel);
  try {
    for (;;) {
      const next = await reader?.read();
      if (next?.value === undefined) return;
      yield next.value;
    }
  } finally {
    cancel();
  }
}

function readBlock(block: string): Block {
  const fieldOf = (name: string) =>
    block
      .split("\n")
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const data = fieldOf("data");
  return { id: fieldOf("id"), message: data === undefined ? null : (JSON.parse(data) as LiveMessage) };
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}
