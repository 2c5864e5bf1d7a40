import type { ComponentChildren, JSX } from "preact";
import { Cut } from "./cut.tsx";

const DIFF_LINES = 12;

/** Lines that begin with + or - as added and removed ones; the first twelve, and the others by a button. */
export function Diff({ text, lines = DIFF_LINES }: { text: string; lines?: number }): JSX.Element {
  return (
    <pre class="diff">
      <Cut text={text} lines={lines} render={signed} />
    </pre>
  );
}

function signed(text: string): ComponentChildren {
  return text.split("\n").map((line, index) => (
    <span key={index} class={classOf(line)}>
      {line}
      {"\n"}
    </span>
  ));
}

function classOf(line: string): string | undefined {
  if (line.startsWith("+")) return "added";
  if (line.startsWith("-")) return "removed";
  return line.startsWith("@@") ? "faint" : undefined;
}
