import { useRef, useState } from "preact/hooks";

export type Held<T> = {
  items: readonly T[];
  /** For the list's element: while the pointer is over it or the focus in it, rows keep their places. */
  handlers: {
    onPointerEnter: () => void;
    onPointerLeave: () => void;
    onFocusCapture: () => void;
    onBlurCapture: () => void;
  };
};

/** Keeps the order of rows while a person points at them; rows change in place, new ones come last. */
export function useHeld<T>(items: readonly T[], keyOf: (item: T) => string): Held<T> {
  const [isHeld, setIsHeld] = useState(false);
  const order = useRef<readonly string[]>([]);
  const byKey = new Map(items.map((item) => [keyOf(item), item]));
  const kept = isHeld ? order.current.filter((key) => byKey.has(key)) : [];
  const keys = [...new Set([...kept, ...byKey.keys()])];
  order.current = keys;
  const hold = () => setIsHeld(true);
  const release = () => setIsHeld(false);
  return {
    items: keys.flatMap((key) => byKey.get(key) ?? []),
    handlers: { onPointerEnter: hold, onPointerLeave: release, onFocusCapture: hold, onBlurCapture: release },
  };
}
