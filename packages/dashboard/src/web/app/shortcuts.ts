import { useEffect, useRef } from "preact/hooks";

export type Shortcut = {
  /** One key such as `j`, or two in a row such as `g s`. `mod+k` is ⌘K or Ctrl K. */
  keys: string;
  /** What it does, for the list that `?` shows. */
  label: string;
  run: () => void;
};

const TWO_KEYS_MS = 3_000;

/** Of the components shown, in the order in which they appeared: those of a page are behind those of the frame, and win. */
const shown = new Set<{ readonly current: readonly Shortcut[] }>();

/** Active while the component is shown. */
export function useShortcuts(given: readonly Shortcut[]): void {
  const latest = useRef(given);
  latest.current = given;
  useEffect(() => {
    shown.add(latest);
    return () => {
      shown.delete(latest);
    };
  }, []);
}

/** All that work now, each key once. */
export function activeShortcuts(): Shortcut[] {
  const all = [...shown].flatMap(({ current }) => current);
  return [...new Map(all.map((shortcut) => [shortcut.keys, shortcut])).values()];
}

export function startShortcuts(): void {
  let before = "";
  let beforeAt = 0;
  document.addEventListener("keydown", (event) => {
    const key = nameOf(event);
    if (key === null || event.defaultPrevented) return;
    if (!key.startsWith("mod+") && key !== "Escape" && isTyping(event.target)) return;
    const isSecond = event.timeStamp - beforeAt < TWO_KEYS_MS;
    const found = (isSecond ? find(`${before} ${key}`) : undefined) ?? find(key);
    before = found === undefined ? key : "";
    beforeAt = event.timeStamp;
    if (found === undefined) return;
    event.preventDefault();
    found.run();
  });
}

function find(keys: string): Shortcut | undefined {
  return activeShortcuts().find((shortcut) => shortcut.keys === keys);
}

function nameOf(event: KeyboardEvent): string | null {
  if (event.isComposing || event.altKey) return null;
  if (event.metaKey || event.ctrlKey) return `mod+${event.key.toLowerCase()}`;
  return ["Shift", "Control", "Meta", "Alt"].includes(event.key) ? null : event.key;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=checkbox]), textarea, select"))
  );
}
