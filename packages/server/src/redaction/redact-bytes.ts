import { countMarkers, type RedactionCounts, RedactionTimeError, type Redactor } from "@wharf/redaction";

/** Secrets by rule: `device` counts the markers that the text already holds, `hub` those written here. */
export type CountsBySide = { device: Record<string, number>; hub: Record<string, number> };
export type RedactedBytes = { bytes: Uint8Array<ArrayBuffer>; counts: CountsBySide };
/** `lines`: each line separately, as JSON if it is JSON. `whole`: one text or one JSON value. */
export type RedactionUnit = "lines" | "whole";

const NEWLINE = 0x0a;
/** No shorter line holds a secret with the word that gives it away: 4 million empty lines take 0.1 s, not 3. */
const SECRET_BYTES_MIN = 8;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The bytes with markers in place of secrets. Lines without a secret keep their bytes, also those that are not UTF-8.
 * Throws RedactionTimeError after `budgetMs`.
 */
export function redactBytes(
  redactor: Redactor,
  bytes: Uint8Array<ArrayBuffer>,
  unit: RedactionUnit,
  budgetMs: number,
): RedactedBytes {
  const deadline = performance.now() + budgetMs;
  const device: RedactionCounts = new Map();
  const hub: RedactionCounts = new Map();
  const pieces: Uint8Array[] = [];
  let kept = 0;
  for (const [start, end] of unit === "lines" ? linesOf(bytes) : [[0, bytes.length] as const]) {
    if (end - start < SECRET_BYTES_MIN) continue;
    if (performance.now() > deadline) throw new RedactionTimeError(budgetMs);
    const text = decoder.decode(bytes.subarray(start, end));
    countMarkers(text, device);
    const redacted = redactor.line(text, hub);
    if (redacted === text) continue;
    pieces.push(bytes.subarray(kept, start), encoder.encode(redacted));
    kept = end;
  }
  const counts = { device: Object.fromEntries(device), hub: Object.fromEntries(hub) };
  if (kept === 0) return { bytes, counts };
  return { bytes: new Uint8Array(Buffer.concat([...pieces, bytes.subarray(kept)])), counts };
}

/** Start and end of each line, without its newline. */
function* linesOf(bytes: Uint8Array): Generator<readonly [number, number]> {
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    yield [start, end];
    start = end + 1;
  }
}
