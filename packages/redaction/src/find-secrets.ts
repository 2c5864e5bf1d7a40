import { entropyOf } from "./entropy.ts";
import { MARKERS } from "./marker.ts";
import type { SecretRule } from "./rules.ts";
import { type View, viewsOf } from "./views.ts";

/** A secret in a text: UTF-16 offsets, `end` exclusive. */
export type Span = { start: number; end: number; rule: string };

/** A rule that is ready to search. */
export type SecretFinder = {
  /** The secrets in a text of at most WINDOW_CHARACTERS. */
  find: (text: string) => Span[];
  /** Whether the pattern matches at all. */
  mayFind: (text: string) => boolean;
};

/** Longer texts are searched window by window, so that a pattern that backtracks costs no more than linear time. */
const WINDOW_CHARACTERS = 65_536;
/** No rule but that of a private key matches more than 2,000 characters; private keys have up to 7,000. */
const WINDOW_OVERLAP_CHARACTERS = 8_192;

/** Throws SyntaxError for a rule whose pattern is no regular expression. */
export function createFinder(rule: SecretRule): SecretFinder {
  const pattern = new RegExp(rule.pattern, rule.group === 0 ? `g${rule.flags}` : `gd${rule.flags}`);
  const single = new RegExp(rule.pattern, rule.flags);
  const isPlausible = createPlausibility(rule);
  return {
    find(text) {
      const found: Span[] = [];
      for (const match of text.matchAll(pattern)) {
        const [start, end] = match.indices?.[rule.group] ?? [match.index, match.index + match[0].length];
        if (isPlausible(text.slice(start, end))) found.push({ start, end, rule: rule.id });
      }
      return found;
    },
    mayFind: (text) => single.test(text),
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

/** Names the finders whose keywords a text holds. */
export type Candidates = (text: string) => readonly SecretFinder[];

/**
 * The secrets in a text in their order, none overlapping another or a marker. Linear in the text. `checkTime` is called before each
 * window and may throw.
 */
export function findSecrets(text: string, candidates: Candidates, checkTime: () => void = () => {}): Span[] {
  const found: Span[] = [];
  for (const { window, offset } of windowsOf(text)) {
    checkTime();
    for (const view of viewsOf(window))
      for (const finder of candidates(view.text))
        for (const span of finder.find(view.text)) found.push(placed(span, view, offset));
  }
  return found.length === 0 ? found : outsideMarkers(text, merged(found));
}

/** Whether some pattern matches anywhere in a text. False for a text in which findSecrets finds none, but for implausible ones. */
export function mayHoldSecrets(text: string, candidates: Candidates, checkTime: () => void): boolean {
  for (const { window } of windowsOf(text)) {
    checkTime();
    for (const view of viewsOf(window))
      if (candidates(view.text).some((finder) => finder.mayFind(view.text))) return true;
  }
  return false;
}

function* windowsOf(text: string): Generator<{ window: string; offset: number }> {
  const step = WINDOW_CHARACTERS - WINDOW_OVERLAP_CHARACTERS;
  for (let offset = 0; offset === 0 || offset + WINDOW_OVERLAP_CHARACTERS < text.length; offset += step)
    yield { window: text.slice(offset, offset + WINDOW_CHARACTERS), offset };
}

function placed({ start, end, rule }: Span, { offsets }: View, offset: number): Span {
  if (offsets === null) return { start: offset + start, end: offset + end, rule };
  return { start: offset + (offsets[start] ?? start), end: offset + (offsets[end] ?? end), rule };
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
