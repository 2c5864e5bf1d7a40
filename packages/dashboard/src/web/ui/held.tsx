import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { Rows, type RowsProps } from "./rows.tsx";

/** Keeps the order of rows while the pointer is over them or the focus in them; rows change in place, new ones come last. */
export function Held<T>({
  items,
  keyOf,
  children,
}: {
  items: readonly T[];
  keyOf: (item: T) => string;
  /** Shows the rows in the order that is given to it. */
  children: (items: readonly T[]) => ComponentChildren;
}): JSX.Element {
  const [isHeld, setIsHeld] = useState(false);
  const order = useRef<readonly string[]>([]);
  const byKey = new Map(items.map((item) => [keyOf(item), item]));
  const kept = isHeld ? order.current.filter((key) => byKey.has(key)) : [];
  const keys = [...new Set([...kept, ...byKey.keys()])];
  order.current = keys;
  const hold = () => setIsHeld(true);
  const release = () => setIsHeld(false);
  return (
    <div onPointerEnter={hold} onPointerLeave={release} onFocusCapture={hold} onBlurCapture={release}>
      {children(keys.flatMap((key) => byKey.get(key) ?? []))}
    </div>
  );
}

/** Of a list that is read again while it is shown. */
export function HeldRows<T>({ pages, ...rows }: RowsProps<T>): JSX.Element {
  return (
    <Held items={pages.items ?? []} keyOf={rows.keyOf}>
      {(items) => <Rows {...rows} pages={{ ...pages, items: pages.items && items }} />}
    </Held>
  );
}
