import { createHmac } from "node:crypto";

const MARKER_HASH_CHARACTERS = 8;
/** Text that a redaction has written. It is never redacted again. */
export const MARKERS = /\[REDACTED:([a-z0-9-]{1,64}):[0-9a-f]{8}\]/g;

/** Writes the marker that replaces a secret. */
export type Marker = (rule: string, secret: string) => string;

/**
 * Markers `[REDACTED:rule:hash]` with the first 8 hex digits of HMAC-SHA-256 under the hub's secret: equal secrets get equal markers, and
 * without the key, guesses of a weak password cannot be tested against them.
 */
export function createMarker(key: string): Marker {
  return (rule, secret) => {
    const hash = createHmac("sha256", key).update(secret).digest("hex");
    return `[REDACTED:${rule}:${hash.slice(0, MARKER_HASH_CHARACTERS)}]`;
  };
}

/** Adds the markers that `text` holds to `counts`, by their rule. */
export function countMarkers(text: string, counts: Map<string, number>): void {
  if (!text.includes("[REDACTED:")) return;
  for (const [, rule = ""] of text.matchAll(MARKERS)) counts.set(rule, (counts.get(rule) ?? 0) + 1);
}
