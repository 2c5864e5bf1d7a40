import type { JSX } from "preact";
import { ansi } from "./ansi.tsx";
import { Cut } from "./cut.tsx";

const OUTPUT_LINES = 12;

/** What a tool printed, raw but for the colours of a terminal. */
export function Output({ text, lines = OUTPUT_LINES }: { text: string; lines?: number }): JSX.Element {
  return (
    <pre class="output">
      <Cut text={text.replace(/\n+$/, "")} lines={lines} render={ansi} />
    </pre>
  );
}
