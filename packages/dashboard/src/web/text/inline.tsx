import type { ComponentChildren, JSX } from "preact";

/**
 * What a text must not hide: `[REDACTED:rule:hash]`, which stands for a secret; characters that change the direction or the look of the
 * text around them, or have no width; other control characters, but for tab and line feed.
 */
const NOT_PLAIN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it finds.
  /\[REDACTED:([a-z0-9-]{1,64}):[0-9a-f]{8}\]|([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb])/g;

/** Of one text: each is an element. In the rest, hidden characters are replaced by U+FFFD. */
const CHIPS_MAX = 1_000;

/** A text as it is, with secrets as chips and hidden characters by their number, such as U+202E. */
export function inline(text: string): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let end = 0;
  let chips = 0;
  for (const found of text.matchAll(NOT_PLAIN)) {
    const [whole, rule, character] = found;
    if (character === "\r" && text[found.index + 1] === "\n") continue;
    if (isJoiner(text, found.index)) continue;
    chips += 1;
    if (chips > CHIPS_MAX) return [...parts, text.slice(end).replace(NOT_PLAIN, withoutChip)];
    parts.push(text.slice(end, found.index));
    parts.push(rule === undefined ? <Hidden character={character ?? ""} /> : <Redacted rule={rule} />);
    end = found.index + whole.length;
  }
  return end === 0 ? text : [...parts, text.slice(end)];
}

function withoutChip(whole: string, rule: string | undefined): string {
  return rule === undefined ? "\ufffd" : whole;
}

/** Of an emoji or a word of a script that needs it; between ASCII it only hides something. */
function isJoiner(text: string, index: number): boolean {
  const isBetween = (character: string | undefined) => character !== undefined && character > "\u02ff";
  return /[\u200c\u200d]/.test(text[index] ?? "") && isBetween(text[index - 1]) && isBetween(text[index + 1]);
}

function Redacted({ rule }: { rule: string }): JSX.Element {
  return (
    <span class="redacted" title="A secret was here. It was replaced before it was stored.">
      redacted: {rule}
    </span>
  );
}

function Hidden({ character }: { character: string }): JSX.Element {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return (
    <span class="hidden-character" title="A character that cannot be seen">
      U+{code}
    </span>
  );
}
