import { afterEach } from "bun:test";
import { type LiveMessage, liveMessageSchema } from "@wharf/protocol";
import { until } from "@wharf/testkit";

export type Followed = {
  /** Without what has no data: comments and positions. */
  readonly messages: readonly LiveMessage[];
  /** The id by which the stream is resumed. */
  readonly id: string;
  /** Whether the server has ended it. */
  readonly isOver: boolean;
  /** Resolves when the stream has told its position: what changes from then on is in it. */
  begun(): Promise<void>;
  /** Resolves with the first message that matches. */
  find(matches: (message: LiveMessage) => boolean): Promise<LiveMessage>;
  /** As find: the session with this id. */
  session(id: string): Promise<LiveMessage>;
  close(): Promise<void>;
};

const opened: Followed[] = [];

/** Closes all streams after each test. Call it once, after setupApp. */
export function closeLiveStreams(): void {
  afterEach(async () => {
    for (const stream of opened.splice(0)) await stream.close();
  });
}

/** Reads a response of GET /api/live. `id`: where it was resumed. */
export function follow(response: Response, id = ""): Followed {
  if (response.status !== 200 || response.body === null) throw new Error(`no stream: ${response.status}`);
  const messages: LiveMessage[] = [];
  const seen = { id, isOver: false };
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const reading = (async () => {
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const blocks = (text + decoder.decode(value, { stream: true })).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) readBlock(block, messages, seen);
    }
    seen.isOver = true;
  })().catch(() => {
    seen.isOver = true;
  });

  const find = (matches: (message: LiveMessage) => boolean) =>
    until(() => messages.find(matches), { describe: () => `a message among ${JSON.stringify(messages)}` });
  const followed: Followed = {
    messages,
    get id() {
      return seen.id;
    },
    get isOver() {
      return seen.isOver;
    },
    begun: async () => {
      await until(() => seen.id !== "", { describe: "a position" });
    },
    find,
    session: (id) => find((message) => message.kind === "session" && message.ids[0] === id),
    close: async () => {
      await reader.cancel().catch(() => undefined);
      await reading;
    },
  };
  opened.push(followed);
  return followed;
}

function readBlock(block: string, messages: LiveMessage[], seen: { id: string }): void {
  const fields = new Map(
    block.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]),
  );
  seen.id = fields.get("id") ?? seen.id;
  const data = fields.get("data");
  if (data === undefined) return;
  const message = liveMessageSchema.parse(JSON.parse(data));
  if (message.kind !== fields.get("event")) throw new Error(`an event of another name: ${block}`);
  messages.push(message);
}
