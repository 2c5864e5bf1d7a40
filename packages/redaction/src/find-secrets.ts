import { entropyOf } from "./entropy.ts";
import { MARKERS } from "./marker.ts";
import type { SecretRule } from "./rules.ts";

/** A secret in a text: UTF-16 offsets, `end` exclusive. */
export type Span = { start: number; end: number; rule: string };

/** A rule that is ready to search. */
export type SecretFinder = {
  /** Adds the secrets between two offsets to `found`. */
  find: (text: string, offset: number, found: Span[]) => void;
};

/** Longer texts are searched window by window, so that a pattern that backtracks costs no more than linear time. */
const WINDOW_CHARACTERS = 65_536;
/** No rule but that of a private key matches more than 2,000 characters; private keys have up to 7,000. */
const WINDOW_OVERLAP_CHARACTERS = 8_192;

/** Throws SyntaxError for a rule whose pattern is no regular expression. */
export function createFinder(rule: SecretRule): SecretFinder {
  const pattern = new RegExp(rule.pattern, rule.group === 0 ? `g${rule.flags}` : `gd${rule.flags}`);
  const isPlausible = createPlausibility(rule);
  return {
    find(text, offset, found) {
      for (const match of text.matchAll(pattern)) {
        const [start, end] = match.indices?.[rule.group] ?? [match.index, match.index + match[0].length];
        if (!isPlausible(text.slice(start, end))) continue;
        found.push({ start: offset + start, end: offset + end, rule: rule.id });
      }
    },
  };
}

function createPlausibility(rule: SecretRule): (secret: string) => boolean {
  const required = rule.require === undefined ? null : new RegExp(rule.require);
  const rejected = rule.reject === undefined ? null : new RegExp(rule.reject, "i");
  const entropyMin = rule.entropy_min ?? 0;
  return (secret) =>
    (required === null || required.test(secret)) &&
    (rejected === null || !rejected.test(secret)) &&
    (entropyMin === 0 || entropyOf(secret) >= entropyMin);
}

/**
 * The secrets in a text in their order, none overlapping another or a marker. Linear in the text.
 * `candidates` names the finders whose keywords a text holds; `checkTime` is called before each window and may throw.
 */
export function findSecrets(
  text: string,
  candidates: (text: string) => readonly SecretFinder[],
  checkTime: () => void = () => {},
): Span[] {
  const found: Span[] = [];
  const step = WINDOW_CHARACTERS - WINDOW_OVERLAP_CHARACTERS;
  for (let offset = 0; offset === 0 || offset + WINDOW_OVERLAP_CHARACTERS < text.length; offset += step) {
    checkTime();
    const window = text.slice(offset, offset + WINDOW_CHARACTERS);
    const visible = withoutEscapes(window);
    for (const view of visible === window ? [window] : [window, visible])
      for (const finder of candidates(view)) finder.find(view, offset, found);
  }
  return found.length === 0 ? found : outsideMarkers(text, merged(found));
}

/** Overlapping secrets become one, under the rule of the one that starts first. */
function merged(found: Span[]): Span[] {
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  const spans: Span[] = [];
  for (const span of found) {
    const last = spans.at(-1);
    if (last === undefined || span.start >= last.end) spans.push(span);
    else last.end = Math.max(last.end, span.end);
  }
  return spans;
}

/** Colours of a terminal, raw or written out, and written-out escapes such as \n: their last letter would stand before a secret. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are told colours by it.
const ESCAPES = /(?:\x1b|\\+(?:u001b|x1b|033|e))\[[0-9;?]{0,30}[A-Za-z]|\\+(?:u[0-9a-f]{4}|[nrtbfv"'/])/gi;

/** The text with spaces in place of escapes, each character at its place. */
function withoutEscapes(text: string): string {
  if (!text.includes("\\") && !text.includes("\x1b")) return text;
  return text.replace(ESCAPES, (sequence) => " ".repeat(sequence.length));
}

/** What markers leave of the spans. */
function outsideMarkers(text: string, spans: Span[]): Span[] {
  const markers = text.matchAll(MARKERS);
  let marker = markers.next();
  const pieces: Span[] = [];
  for (const { start, end, rule } of spans) {
    let from = start;
    for (; marker.done !== true && marker.value.index < end; marker = markers.next()) {
      const markerEnd = marker.value.index + marker.value[0].length;
      if (marker.value.index > from) pieces.push({ start: from, end: marker.value.index, rule });
      from = Math.max(from, markerEnd);
      // It may reach into the next span.
      if (markerEnd > end) break;
    }
    if (from < end) pieces.push({ start: from, end, rule });
  }
  return pieces;
}
