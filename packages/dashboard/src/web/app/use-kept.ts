import { useRef } from "preact/hooks";
import type { PagesState } from "./use-pages.ts";

export type KeptPages<T> = Pick<PagesState<T>, "items" | "error" | "loadMore" | "reload"> & {
  /** What is shown is of the selection before. */
  isOutdated: boolean;
};

/** Shows the rows of the selection before until those of a new one are there, so that the page does not flash. */
export function useKept<T>(pages: PagesState<T>): KeptPages<T> {
  const last = useRef<readonly T[] | null>(null);
  if (pages.items !== null) last.current = pages.items;
  const isOutdated = pages.items === null && pages.error === null && last.current !== null;
  return isOutdated
    ? { ...pages, items: last.current, loadMore: null, isOutdated }
    : { ...pages, isOutdated };
}
