import { effect, signal } from "@preact/signals";
import type { LiveEventRow, Session } from "@wharf/protocol";
import { useEffect, useRef } from "preact/hooks";
import { me } from "./hub.ts";

/** What the stream of GET /api/live sends. */
export type Change = {
  id: string;
  kind: string;
  ids: readonly string[];
  at: string;
  /** Of a `session`; null after its deletion. */
  session?: Session | null;
  /** Of an `event`, unless there are many. */
  events?: readonly LiveEventRow[];
};
type Handler = (changes: readonly Change[]) => void;

/** The state of the stream: `waiting` until the first response, `lost` while the browser reconnects. */
export const connection = signal<"waiting" | "live" | "lost">("waiting");

const KINDS = ["event", "session", "job", "device"] as const;
export type Kind = (typeof KINDS)[number];

/** Changes of one moment reach the pages together, so that a busy hub does not render a page per row. */
const BATCH_MS = 250;
const handlers = new Map<Handler, ReadonlySet<Kind>>();
let waiting: Change[] = [];

/** Opens the stream while a person is signed in. The browser reconnects by itself, with the id that it saw last. */
export function startLive(): void {
  effect(() => {
    if (!me.value) return;
    const source = new EventSource("/api/live");
    source.onopen = () => {
      // After a break of the connection pages read again: rows may have changed that no event names.
      if (connection.value === "lost") deliver([{ id: "", kind: "reset", ids: [], at: "" }]);
      connection.value = "live";
    };
    source.onerror = () => {
      connection.value = "lost";
    };
    for (const kind of [...KINDS, "reset"])
      source.addEventListener(kind, ({ data }) => queue(JSON.parse(data) as Change));
    return () => source.close();
  });
}

/** Calls `handler` with changes of these kinds, and with a `reset` when everything must be read again. */
export function useLive(kinds: readonly Kind[], handler: Handler): void {
  const latest = useRef(handler);
  latest.current = handler;
  const names = kinds.join();
  // `names` is the content of `kinds`.
  useEffect(() => {
    const call: Handler = (changes) => latest.current(changes);
    handlers.set(call, new Set(kinds));
    return () => {
      handlers.delete(call);
    };
  }, [names]);
}

function queue(change: Change): void {
  waiting.push(change);
  if (waiting.length > 1) return;
  setTimeout(() => {
    const changes = waiting;
    waiting = [];
    deliver(changes);
  }, BATCH_MS);
}

function deliver(changes: readonly Change[]): void {
  for (const [handler, kinds] of handlers) {
    const wanted = changes.filter(({ kind }) => kind === "reset" || isOf(kinds, kind));
    if (wanted.length > 0) handler(wanted);
  }
}

function isOf(kinds: ReadonlySet<string>, kind: string): boolean {
  return kinds.has(kind);
}
