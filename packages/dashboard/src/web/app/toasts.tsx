import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

type Toast = { id: number; text: string; isError: boolean };

const SHOWN_MS = 6_000;
const toasts = signal<readonly Toast[]>([]);
let count = 0;

/** States the result of an action for a few seconds. */
export function toast(text: string, { isError = false }: { isError?: boolean } = {}): void {
  count += 1;
  const id = count;
  toasts.value = [...toasts.value, { id, text, isError }];
  setTimeout(() => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  }, SHOWN_MS);
}

/** Runs an action and states its result; an error is shown, not thrown. */
export async function act(action: () => Promise<unknown>, done: string): Promise<boolean> {
  try {
    await action();
    toast(done);
    return true;
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), { isError: true });
    return false;
  }
}

/** In front of everything, also of a dialog that is open. */
export function Toasts(): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  const shown = toasts.value;
  useLayoutEffect(() => {
    ref.current?.hidePopover();
    if (shown.length > 0) ref.current?.showPopover();
  }, [shown]);
  return (
    <div role="status">
      <div ref={ref} class="toasts" popover="manual">
        {shown.map(({ id, text, isError }) => (
          <p key={id} class={isError ? "toast error" : "toast"}>
            {text}
          </p>
        ))}
      </div>
    </div>
  );
}

/** The same for a screen reader inside of a modal dialog, which makes all else inert. */
export function DialogToasts(): JSX.Element {
  return (
    <div role="status" class="visually-hidden">
      {toasts.value.map(({ id, text }) => (
        <p key={id}>{text}</p>
      ))}
    </div>
  );
}
