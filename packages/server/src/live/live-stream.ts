import type { LiveEndReason } from "@wharf/protocol";

export type LiveStream = {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Texts are kept as they are, so that streams share them. */
  send(...texts: readonly string[]): void;
  /** Ends the stream by an event with the reason. */
  end(reason: LiveEndReason): void;
  /** Resolves when the client has taken everything, or the stream has ended. */
  taken(): Promise<void>;
  isOpen(): boolean;
  /** Nothing waits to be taken. */
  isIdle(): boolean;
  /** Something waits, and nothing was taken since the last call. */
  isStuck(): boolean;
};

export type LiveStreamOptions = {
  /** Characters that may wait for the client. The texts are shared with the streams of other clients. */
  waitingMax: number;
  /** Called once; not for the reason when the client has closed the connection. */
  onEnd(reason: LiveEndReason | null): void;
};

/** How long a client has to take what explains the end. */
const LAST_WORDS_MS = 5_000;
/** Of one write: what is encoded is copied for each client. */
const WRITE_CHARACTERS_MAX = 64 * 1024;

/** Texts for one client, as fast as it takes them. A client that has left more than `waitingMax` characters untaken when there is more to send is ended as `slow`. */
export function createLiveStream({ waitingMax, onEnd }: LiveStreamOptions): LiveStream {
  const encoder = new TextEncoder();
  let queue: string[] = [];
  let waiting = 0;
  let isOpen = true;
  let isTaken = true;
  let changed = Promise.withResolvers<void>();
  let emptied = Promise.withResolvers<void>();
  let abort: () => void = () => undefined;

  function close(reason: LiveEndReason | null): void {
    if (!isOpen) return;
    isOpen = false;
    emptied.resolve();
    changed.resolve();
    onEnd(reason);
  }

  function end(reason: LiveEndReason): void {
    if (!isOpen) return;
    // The id of what was taken last stands: the client gets the rest when it comes back.
    queue = [`event: end\ndata: ${JSON.stringify({ kind: "end", reason })}\n\n`];
    close(reason);
    setTimeout(abort, LAST_WORDS_MS).unref();
  }

  function send(...texts: readonly string[]): void {
    if (!isOpen || texts.length === 0) return;
    // What is sent at once may have any length: to end a client for that would end it again when it returns.
    if (waiting > waitingMax) {
      end("slow");
      return;
    }
    if (queue.length === 0) isTaken = true;
    for (const text of texts) {
      queue.push(text);
      waiting += text.length;
    }
    changed.resolve();
  }

  /** Whole texts, or a part of a long one. */
  function next(): string {
    let text = "";
    while (queue.length > 0 && text.length < WRITE_CHARACTERS_MAX) text += queue.shift();
    return text;
  }

  async function pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    while (queue.length === 0 && isOpen) {
      await changed.promise;
      changed = Promise.withResolvers();
    }
    const text = next();
    if (text === "") return controller.close();
    controller.enqueue(encoder.encode(text));
    waiting -= text.length;
    isTaken = true;
    if (queue.length > 0) return;
    emptied.resolve();
    emptied = Promise.withResolvers();
  }

  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        abort = () => {
          if (queue.length > 0) controller.error(new Error("the client did not take the end of its stream"));
        };
      },
      pull,
      cancel: () => {
        queue = [];
        close(null);
      },
    },
    { highWaterMark: 0 },
  );

  const isIdle = () => queue.length === 0;

  function isStuck(): boolean {
    const wasTaken = isTaken;
    isTaken = false;
    return !wasTaken && !isIdle();
  }

  return {
    body,
    send,
    end,
    taken: async () => (isIdle() || !isOpen ? undefined : await emptied.promise),
    isOpen: () => isOpen,
    isIdle,
    isStuck,
  };
}
