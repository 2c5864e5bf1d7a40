import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useQuery } from "./use-query.ts";

/** Those behind them are loaded again when their place comes near. */
const PAGES_AGAIN_MAX = 10;

type PageOf<T> = { items: readonly T[]; next: string | null };

export type PagesState<T, More = unknown> = {
  /** What was read together, at first one page, with what else the first response has. */
  first: (PageOf<T> & More) | null;
  /** Null until the first page is there. */
  items: readonly T[] | null;
  error: Error | null;
  isLoading: boolean;
  /** Null when all are loaded. */
  loadMore: (() => void) | null;
  reload: () => void;
};

/** A list in pages by cursor; all that were loaded are read again together. `key` must name everything that `read` depends on except the cursor. */
export function usePages<T, More = unknown>(
  key: string,
  read: (cursor: string | null, signal: AbortSignal) => Promise<PageOf<T> & More>,
): PagesState<T, More> {
  const pageCount = useRef(1);
  const first = useQuery(key, (signal) => readPages(read, pageCount.current, signal));
  const [more, setMore] = useState<(PageOf<T> & { of: unknown; count: number }) | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const loading = useRef<AbortController | null>(null);
  const page = first.data;
  const added = more !== null && more.of === page ? more : null;
  const next = added === null ? (page?.next ?? null) : added.next;
  pageCount.current = (page?.count ?? 1) + (added?.count ?? 0);

  // Another first page ends the reading of the pages behind it.
  useEffect(() => () => loading.current?.abort(), [page]);

  const loadMore = useCallback(() => {
    if (next === null || (loading.current !== null && !loading.current.signal.aborted)) return;
    const abort = new AbortController();
    loading.current = abort;
    setFailure(null);
    read(next, abort.signal)
      .then(({ items, next }) =>
        setMore({
          of: page,
          items: [...(added?.items ?? []), ...items],
          next,
          count: (added?.count ?? 0) + 1,
        }),
      )
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

/** The first pages as one, so that a list that is read again keeps its length. */
async function readPages<T, More>(
  read: (cursor: string | null, signal: AbortSignal) => Promise<PageOf<T> & More>,
  count: number,
  signal: AbortSignal,
): Promise<PageOf<T> & More & { count: number }> {
  const first = await read(null, signal);
  let { items, next } = first;
  let done = 1;
  for (; done < Math.min(count, PAGES_AGAIN_MAX) && next !== null; done++) {
    const page = await read(next, signal);
    items = [...items, ...page.items];
    next = page.next;
  }
  return { ...first, items, next, count: done };
}
