import { HubError } from "@wharf/client";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { me } from "./hub.ts";
import { connection, useLive } from "./live.ts";

export type QueryState<T> = {
  /** What was read last under this key; it stays while it is read again. */
  data: T | null;
  error: Error | null;
  isLoading: boolean;
  reload: () => void;
};

type Read<T> = { key: string; data: T | null; error: Error | null; isLoading: boolean };

/** Responses by key, so that a page seen before shows at once and is then read again. */
const seen = new Map<string, unknown>();
const SEEN_MAX = 100;

/** Reads when `key` changes, on `reload`, and when the stream of changes begins anew. `key` must name everything that `read` depends on. */
export function useQuery<T>(key: string, read: (signal: AbortSignal) => Promise<T>): QueryState<T> {
  const [state, setState] = useState<Read<T>>(() => startOf(key));
  const [round, setRound] = useState(0);
  const latest = useRef(read);
  latest.current = read;

  // `round` asks for another read.
  useEffect(() => {
    const abort = new AbortController();
    setState((before) => (before.key === key ? { ...before, isLoading: true } : startOf(key)));
    latest.current(abort.signal).then(
      (data) => {
        if (abort.signal.aborted) return;
        remember(key, data);
        setState({ key, data, error: null, isLoading: false });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        if (error instanceof HubError && error.status === 401) me.value = null;
        setState((before) => ({ ...before, key, error: errorOf(error), isLoading: false }));
      },
    );
    return () => abort.abort();
  }, [key, round]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  // Nothing but the resets: what changed meanwhile is not known.
  useLive([], reload);
  // What failed while the hub was away; a stream that resumes sends no reset.
  const isLive = connection.value === "live";
  useEffect(() => {
    if (isLive && state.error !== null) reload();
  }, [isLive]);
  const shown = state.key === key ? state : startOf<T>(key);
  return { data: shown.data, error: shown.error, isLoading: shown.isLoading, reload };
}

function startOf<T>(key: string): Read<T> {
  return { key, data: recall<T>(key), error: null, isLoading: true };
}

function remember(key: string, data: unknown): void {
  seen.delete(key);
  seen.set(key, data);
  const [oldest] = seen.keys();
  if (seen.size > SEEN_MAX && oldest !== undefined) seen.delete(oldest);
}

/** The type is that of the read that stored it: keys name the read. */
function recall<T>(key: string): T | null {
  return (seen.get(key) as T | undefined) ?? null;
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
