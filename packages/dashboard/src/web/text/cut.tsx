import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { bytesText, countText } from "../format/numbers.ts";

/** A longer line makes the browser slow: it is laid out as a whole. */
const LINE_CHARACTERS_MAX = 5_000;

/**
 * A text of which the first lines are shown, and at most 5,000 characters of each, with a button for the rest. `render` shows the part;
 * what is shown with a line that is too long is plain.
 */
export function Cut({
  text,
  lines: shown,
  render = (part) => part,
  label = "lines",
}: {
  text: string;
  lines: number;
  render?: (text: string) => ComponentChildren;
  label?: string;
}): JSX.Element {
  const [isWhole, setIsWhole] = useState(false);
  const { part, left, isLineCut } = partOf(text, shown);
  const isCut = left > 0 || isLineCut;
  return (
    <>
      {isWhole && isLineCut ? <span class="wrapped">{text}</span> : render(isWhole ? text : part)}
      {isCut && (
        <button type="button" class="link rest" onClick={() => setIsWhole(!isWhole)}>
          {isWhole ? "Show less" : restText(left, label, text.length)}
        </button>
      )}
    </>
  );
}

function restText(left: number, label: string, characters: number): string {
  return left > 0 ? `+${countText(left)} ${label}` : `Show all ${bytesText(characters)}`;
}

function partOf(text: string, shown: number): { part: string; left: number; isLineCut: boolean } {
  let end = 0;
  let count = 0;
  let isLineCut = false;
  const parts: string[] = [];
  while (count < shown && end <= text.length) {
    const next = text.indexOf("\n", end);
    const stop = next === -1 ? text.length : next;
    const isLong = stop - end > LINE_CHARACTERS_MAX;
    isLineCut ||= isLong;
    parts.push(isLong ? `${text.slice(end, end + LINE_CHARACTERS_MAX)}…` : text.slice(end, stop));
    count += 1;
    end = stop + 1;
  }
  const rest = text.slice(Math.min(end, text.length));
  return { part: parts.join("\n"), left: rest === "" ? 0 : linesOf(rest), isLineCut };
}

function linesOf(text: string): number {
  let count = text.endsWith("\n") ? 0 : 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
