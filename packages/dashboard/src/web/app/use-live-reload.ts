import { useEffect, useRef, useState } from "preact/hooks";
import { type Change, type Kind, useLive } from "./live.ts";
import type { QueryState } from "./use-query.ts";

/** From the start of one read to that of the next. */
const INTERVAL_MS = 1_000;
/** Of sums over many rows. */
export const SUMS_INTERVAL_MS = 3_000;

/**
 * Reads a query again after changes of these kinds that concern it: the first at once, those that follow together. Never while it is being
 * read, which would abort a slow read each time. After a reset the query reads by itself.
 */
export function useLiveReload(
  kinds: readonly Kind[],
  { isLoading, reload }: Pick<QueryState<unknown>, "isLoading" | "reload">,
  {
    intervalMs = INTERVAL_MS,
    concerns = () => true,
  }: { intervalMs?: number; concerns?: (change: Change) => boolean } = {},
): void {
  const [isDue, setIsDue] = useState(false);
  const readAt = useRef(0);
  useLive(kinds, (changes) => {
    if (changes.some((change) => change.kind !== "reset" && concerns(change))) setIsDue(true);
  });
  useEffect(() => {
    if (!isDue || isLoading) return;
    const timer = setTimeout(
      () => {
        setIsDue(false);
        readAt.current = Date.now();
        reload();
      },
      Math.max(readAt.current + intervalMs - Date.now(), 0),
    );
    return () => clearTimeout(timer);
  }, [isDue, isLoading, reload, intervalMs]);
}
