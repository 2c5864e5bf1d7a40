import type { ComponentChildren, JSX } from "preact";

/** A text whose marked parts, by their offsets in UTF-16 units, stand out. */
export function Marked({
  text,
  marks,
}: {
  text: string;
  marks: readonly (readonly [number, number])[];
}): JSX.Element {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const [from, to] of marks) {
    if (from < end || to <= from) continue;
    parts.push(text.slice(end, from), <mark>{text.slice(from, to)}</mark>);
    end = to;
  }
  return (
    <>
      {parts}
      {text.slice(end)}
    </>
  );
}
