import { useEffect } from "preact/hooks";
import type { QueryState } from "./use-query.ts";

/** Reads a query again so long after each read: for what changes without a change of the stream. */
export function useReload(
  { isLoading, reload }: Pick<QueryState<unknown>, "isLoading" | "reload">,
  intervalMs: number,
  isDue = true,
): void {
  useEffect(() => {
    if (!isDue || isLoading) return;
    const timer = setTimeout(reload, intervalMs);
    return () => clearTimeout(timer);
  }, [isDue, isLoading, reload, intervalMs]);
}
