import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useQuery } from "./use-query.ts";

type PageOf<T> = { items: readonly T[]; next: string | null };

export type PagesState<T, More = unknown> = {
  /** The first page as it was read, with what else its response has. */
  first: (PageOf<T> & More) | null;
  /** Null until the first page is there. */
  items: readonly T[] | null;
  error: Error | null;
  isLoading: boolean;
  /** Null when all are loaded. */
  loadMore: (() => void) | null;
  reload: () => void;
};

/** A list in pages by cursor. `key` must name everything that `read` depends on except the cursor. */
export function usePages<T, More = unknown>(
  key: string,
  read: (cursor: string | null, signal: AbortSignal) => Promise<PageOf<T> & More>,
): PagesState<T, More> {
  const first = useQuery(key, (signal) => read(null, signal));
  const [more, setMore] = useState<{ of: unknown; items: readonly T[]; next: string | null } | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const loading = useRef<AbortController | null>(null);
  const page = first.data;
  const added = more !== null && more.of === page ? more : null;
  const next = added === null ? (page?.next ?? null) : added.next;

  // Another first page ends the reading of the pages behind it.
  useEffect(() => () => loading.current?.abort(), [page]);

  const loadMore = useCallback(() => {
    if (next === null || (loading.current !== null && !loading.current.signal.aborted)) return;
    const abort = new AbortController();
    loading.current = abort;
    setFailure(null);
    read(next, abort.signal)
      .then((got) => setMore({ of: page, items: [...(added?.items ?? []), ...got.items], next: got.next }))
      .catch((error: unknown) => {
        if (!abort.signal.aborted) setFailure(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => {
        if (loading.current === abort) loading.current = null;
      });
  }, [next, page, added, read]);

  return {
    first: page,
    items: page === null ? null : [...page.items, ...(added?.items ?? [])],
    error: first.error ?? failure,
    isLoading: first.isLoading,
    loadMore: next === null ? null : loadMore,
    reload: first.reload,
  };
}
