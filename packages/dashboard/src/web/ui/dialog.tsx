import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { DialogToasts } from "../app/toasts.tsx";

/** A modal dialog; Escape and a click outside close it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => ref.current?.showModal(), []);
  return (
    <dialog
      ref={ref}
      aria-label={title}
      onClose={onClose}
      onClick={(event) => event.target === ref.current && onClose()}
      // The page's keys rest while it is open; when it was closed, it may still have the focus for a moment.
      onKeyDown={(event) => ref.current?.open && event.stopPropagation()}
    >
      <header>
        <h2>{title}</h2>
        <button type="button" class="link" onClick={onClose}>
          Close <kbd>Esc</kbd>
        </button>
      </header>
      {children}
      <DialogToasts />
    </dialog>
  );
}

type Question = {
  title: string;
  /** What the action does. */
  children: ComponentChildren;
  /** The text of the button that acts, such as "Delete the session". */
  action: string;
  onConfirm: () => void;
};

/** A button for what cannot be undone: it asks before it acts. */
export function ConfirmButton({
  text,
  label,
  class: given,
  reason,
  ...question
}: Question & {
  text: string;
  /** Where the text does not name what it acts on. */
  label?: string;
  class?: string | undefined;
  /** Why it is disabled. */
  reason?: string | undefined;
}): JSX.Element {
  const [isAsking, setIsAsking] = useState(false);
  return (
    <>
      <button
        type="button"
        class={given}
        aria-label={label}
        disabled={reason !== undefined}
        title={reason}
        onClick={() => setIsAsking(true)}
      >
        {text}
      </button>
      {isAsking && <Confirm {...question} onClose={() => setIsAsking(false)} />}
    </>
  );
}

function Confirm({
  title,
  children,
  action,
  onConfirm,
  onClose,
}: Question & { onClose: () => void }): JSX.Element {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <footer>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="danger"
          onClick={() => {
            onConfirm();
            onClose();
          }}
        >
          {action}
        </button>
      </footer>
    </Dialog>
  );
}
