import { type ComponentChildren, Fragment, type JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useShortcuts } from "../app/shortcuts.ts";
import type { PagesState } from "../app/use-pages.ts";
import { ErrorNote, Skeleton } from "./states.tsx";

/** The browser skips chunks that are out of sight; its find and anchors still reach them. */
const CHUNK_ROWS = 50;

export type RowsProps<T> = {
  pages: Pick<PagesState<T>, "items" | "error" | "loadMore" | "reload">;
  /** In pixels, for the chunks out of sight. */
  rowHeight: number;
  row: (item: T) => ComponentChildren;
  keyOf: (item: T) => string;
  /** Rows of one group are together under its title; groups are in the order of their first rows. */
  groupOf?: (item: T) => string;
  empty: ComponentChildren;
  label: string;
};

/** A long list in chunks; loads the next page when its end comes near. `j` and `k` move between rows, which are links. */
export function Rows<T>({ pages, rowHeight, row, keyOf, groupOf, empty, label }: RowsProps<T>): JSX.Element {
  const ref = useRef<HTMLElement>(null);
  useShortcuts([
    { keys: "j", label: "Next row", run: () => moveFocus(ref.current, 1) },
    { keys: "k", label: "Previous row", run: () => moveFocus(ref.current, -1) },
  ]);
  const { items, error, loadMore, reload } = pages;
  if (items === null) return error === null ? <Skeleton /> : <ErrorNote error={error} onRetry={reload} />;
  return (
    <>
      {error !== null && <ErrorNote error={error} onRetry={loadMore ?? reload} />}
      {items.length === 0 && empty}
      {items.length > 0 && (
        <section ref={ref} class="rows" aria-label={label}>
          {groupsOf(items, groupOf).map(([title, group]) => (
            <Fragment key={title}>
              {title !== "" && <h2 class="rows-group">{title}</h2>}
              {chunksOf(group).map((chunk) => (
                <ul
                  key={chunk[0] === undefined ? "" : keyOf(chunk[0])}
                  class="chunk"
                  style={{ containIntrinsicSize: `auto ${chunk.length * rowHeight}px` }}
                >
                  {chunk.map((item) => (
                    <li key={keyOf(item)} data-key={keyOf(item)}>
                      {row(item)}
                    </li>
                  ))}
                </ul>
              ))}
            </Fragment>
          ))}
        </section>
      )}
      {loadMore !== null && <MoreWhenSeen key={items.length} onSeen={loadMore} />}
    </>
  );
}

/** A button that presses itself when it comes near. */
export function MoreWhenSeen({
  onSeen,
  label = "Load more",
}: {
  onSeen: () => void;
  label?: string;
}): JSX.Element {
  const ref = useRef<HTMLButtonElement>(null);
  const latest = useRef(onSeen);
  latest.current = onSeen;
  useEffect(() => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) latest.current();
      },
      { rootMargin: "600px" },
    );
    if (ref.current !== null) observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return (
    <button ref={ref} type="button" class="more" onClick={onSeen}>
      {label}
    </button>
  );
}

/** The key of the row that has the focus; null: none has. */
export function focusedKey(list: HTMLElement | null): string | null {
  const row = document.activeElement?.closest<HTMLElement>("li[data-key]") ?? null;
  return row !== null && list?.contains(row) ? (row.dataset["key"] ?? null) : null;
}

/** Focuses the first control of the row before or behind the one that has the focus. */
export function moveFocus(list: HTMLElement | null, step: 1 | -1): void {
  if (list === null) return;
  const rows = [...list.querySelectorAll<HTMLElement>("li")];
  const current = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[current === -1 ? 0 : Math.min(Math.max(current + step, 0), rows.length - 1)];
  next?.querySelector<HTMLElement>("a, button, summary")?.focus();
}

/** The items of a list in groups. */
export function groupsOf<T>(
  items: readonly T[],
  groupOf: ((item: T) => string) | undefined,
): (readonly [string, readonly T[]])[] {
  if (groupOf === undefined) return [["", items]];
  return [...Map.groupBy(items, groupOf)];
}

function chunksOf<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += CHUNK_ROWS)
    chunks.push(items.slice(start, start + CHUNK_ROWS));
  return chunks;
}
