import { entropyOf } from "./entropy.ts";
import { MARKERS } from "./marker.ts";
import type { SecretRule } from "./rules.ts";
import { type View, viewsOf, withoutEscapes } from "./views.ts";

/** A secret in a text: UTF-16 offsets, `end` exclusive. */
export type Span = { start: number; end: number; rule: string };

/** A rule that is ready to search. */
export type SecretFinder = {
  /** The secrets in a text of at most WINDOW_CHARACTERS. */
  find: (text: string) => Span[];
  /** Whether the pattern matches at all. */
  mayFind: (text: string) => boolean;
  /** The end of the secret that begins at `start`, in a text of any length. Null: the rule's secrets fit into a window. */
  endOf: ((text: string, start: number) => number) | null;
  /** Matches at a keyword that begins a secret; undefined: keywords stand elsewhere. */
  at: RegExp | undefined;
  /** Of a rule without a context: it matches in any text that holds such a secret, also behind escapes. */
  anywhere: RegExp | undefined;
};

/** Longer texts are searched window by window, so that a pattern that backtracks costs no more than linear time. */
const WINDOW_CHARACTERS = 65_536;
/** No pattern matches more than 2,000 characters. */
const WINDOW_OVERLAP_CHARACTERS = 8_192;
/** A secret of several pieces may continue behind the window when it ends this close to its end. */
const PIECE_CHARACTERS = 300;

/** Throws SyntaxError for a rule whose pattern is no regular expression. */
export function createFinder(rule: SecretRule): SecretFinder {
  const pattern = new RegExp(rule.pattern, rule.group === 0 ? `g${rule.flags}` : `gd${rule.flags}`);
  const single = new RegExp(rule.pattern, rule.flags);
  const isPlausible = createPlausibility(rule);
  const endOf = createEnd(rule);
  const unbound = rule.pattern.replace(/^\\b/, "");
  return {
    endOf,
    at: rule.begins === true ? new RegExp(unbound, `y${rule.flags}`) : undefined,
    anywhere: rule.group === 0 && endOf === null ? new RegExp(unbound, rule.flags) : undefined,
    find(text) {
      const found: Span[] = [];
      for (const match of text.matchAll(pattern)) {
        const [start, last] = match.indices?.[rule.group] ?? [match.index, match.index + match[0].length];
        const end = endOf === null ? last : endOf(text, start);
        if (isPlausible(text.slice(start, end))) found.push({ start, end, rule: rule.id });
      }
      return found;
    },
    mayFind: (text) => single.test(text),
  };
}

/** Each piece is matched where the last one ended, so that the time is linear. */
function createEnd({ pattern, flags, continues, ends }: SecretRule): SecretFinder["endOf"] {
  if (continues === undefined) return null;
  const begin = new RegExp(pattern, `y${flags}`);
  const piece = new RegExp(continues, `y${flags}`);
  const last = new RegExp(ends ?? "", `y${flags}`);
  const endAt = (expression: RegExp, text: string, at: number) => {
    expression.lastIndex = at;
    return expression.test(text) ? expression.lastIndex : at;
  };
  return (text, start) => {
    let end = endAt(begin, text, start);
    for (let next = endAt(piece, text, end); next > end; next = endAt(piece, text, end)) end = next;
    return endAt(last, text, end);
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
    const isLast = offset + window.length === text.length;
    for (const view of viewsOf(window))
      for (const finder of candidates(view.text))
        for (const span of finder.find(view.text)) {
          const place = placed(span, view, offset);
          const isOpen = !isLast && finder.endOf !== null && span.end + PIECE_CHARACTERS > view.text.length;
          found.push(isOpen ? { ...place, end: endOfOpen(text, place, finder) } : place);
        }
  }
  return found.length === 0 ? found : outsideMarkers(text, merged(found));
}

/** The end of a secret that reaches the end of its window. */
function endOfOpen(text: string, { start, end }: Span, { endOf }: SecretFinder): number {
  if (endOf === null) return end;
  return Math.max(end, endOf(text, start), endOf(withoutEscapes(text), start));
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
