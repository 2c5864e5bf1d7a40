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
const RETRY_MS = 2_000;
const handlers = new Map<Handler, ReadonlySet<string>>();
let waiting: Change[] = [];

/**
 * Opens the stream while a person is signed in and the page is visible. A browser opens six connections to a server over HTTP/1.1, and keeps
 * the stream of a page that one has left (back/forward cache) or that is in another tab: with six of them, no further page would load.
 */
export function startLive(): void {
  const isVisible = signal(!document.hidden);
  document.addEventListener("visibilitychange", () => {
    isVisible.value = !document.hidden;
  });
  let wasOpen = false;
  effect(() => {
    if (!me.value || !isVisible.value) return;
    let source = open({ isAgain: wasOpen });
    wasOpen = true;
    let retry: ReturnType<typeof setTimeout> | undefined;

    function open({ isAgain }: { isAgain: boolean }): EventSource {
      const opened = new EventSource("/api/live");
      let hasGap = isAgain;
      let hasId = false;
      opened.onopen = () => {
        // A new stream begins now, and what happened before it is unknown.
        if (hasGap) deliver([{ id: "", kind: "reset", ids: [], at: "" }]);
        hasGap = false;
        hasId = true;
        connection.value = "live";
      };
      opened.onerror = () => {
        hasGap ||= !hasId;
        connection.value = "lost";
        // After a break the browser resumes by the last id. After an error response it gives up, so that we open another stream.
        if (opened.readyState !== EventSource.CLOSED) return;
        retry = setTimeout(() => {
          source = open({ isAgain: true });
        }, RETRY_MS);
      };
      for (const kind of [...KINDS, "reset"])
        opened.addEventListener(kind, ({ data }) => queue(JSON.parse(data) as Change));
      return opened;
    }

    return () => {
      clearTimeout(retry);
      source.close();
    };
  });
}

/** Whether a change is of this repository, or may be. */
export function mayBeOfWorkspace({ session, events }: Change, id: string): boolean {
  if (session) return session.workspace_id === id;
  return events === undefined || events.some(({ workspace_id }) => workspace_id === id);
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
    const wanted = changes.filter(({ kind }) => kind === "reset" || kinds.has(kind));
    if (wanted.length > 0) handler(wanted);
  }
}
