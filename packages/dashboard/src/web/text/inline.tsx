import { characterName, HIDDEN_CHARACTERS } from "@wharf/protocol/hidden-characters";
import type { ComponentChildren, JSX } from "preact";

/** `[REDACTED:rule:hash]`, which stands for a secret, and characters that hide something. */
const NOT_PLAIN = new RegExp(`\\[REDACTED:([a-z0-9-]{1,64}):[0-9a-f]{8}\\]|([${HIDDEN_CHARACTERS}])`, "gu");

/** Of one text: each is an element. In the rest, hidden characters are replaced by U+FFFD. */
const CHIPS_MAX = 1_000;

/** A text as it is, with secrets as chips and hidden characters by their number, such as U+202E. */
export function inline(text: string): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let end = 0;
  let chips = 0;
  for (const found of text.matchAll(NOT_PLAIN)) {
    const [whole, rule, character] = found;
    if (isHarmless(text, found.index)) continue;
    chips += 1;
    if (chips > CHIPS_MAX) return [...parts, plain(text.slice(end), () => "\ufffd")];
    parts.push(text.slice(end, found.index));
    parts.push(rule === undefined ? <Hidden character={character ?? ""} /> : <Redacted rule={rule} />);
    end = found.index + whole.length;
  }
  return end === 0 ? text : [...parts, text.slice(end)];
}

/** As a text alone, for what has no elements, such as the title of a page. */
export function plain(text: string, name = (character: string) => `[${characterName(character)}]`): string {
  return text.replace(NOT_PLAIN, (whole, rule: string | undefined, character: string, index: number) => {
    if (rule !== undefined) return `[redacted: ${rule}]`;
    return isHarmless(text, index) ? whole : name(character);
  });
}

/** The end of a line, or a joiner of an emoji or of a script that needs it; between ASCII that only hides something. */
function isHarmless(text: string, index: number): boolean {
  if (text[index] === "\r") return text[index + 1] === "\n";
  const isJoiner = (character: string) => /[\u200c\u200d]/.test(character);
  const isJoined = (character = "") => character > "\u02ff" && !isJoiner(character);
  return isJoiner(text[index] ?? "") && isJoined(text[index - 1]) && isJoined(text[index + 1]);
}

function Redacted({ rule }: { rule: string }): JSX.Element {
  return (
    <span class="redacted" title="A secret was here. It was replaced before it was stored.">
      redacted: {rule}
    </span>
  );
}

function Hidden({ character }: { character: string }): JSX.Element {
  return (
    <span class="hidden-character" title="A character that cannot be seen">
      {characterName(character)}
    </span>
  );
}
