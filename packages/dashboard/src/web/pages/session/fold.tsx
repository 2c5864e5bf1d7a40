import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";

/** Content that is made when it is unfolded. */
export function Fold({
  summary,
  children,
  name = "fold",
  message,
  result,
}: {
  summary: ComponentChildren;
  children: () => ComponentChildren;
  /** Its class. */
  name?: string;
  /** The ids of the messages that it shows, for jumps. */
  message?: string | undefined;
  result?: string | undefined;
}): JSX.Element {
  const [isShown, setIsShown] = useState(false);
  return (
    <details
      class={name}
      data-message={message}
      data-result={result}
      onToggle={(event) => setIsShown(event.currentTarget.open)}
    >
      <summary>{summary}</summary>
      {isShown && children()}
    </details>
  );
}
