import type { KeyScope } from "@wharf/protocol";

const KEY_BYTES = 32;
const KEY_PATTERN = /^wharf_(?:ingest|read|admin)_[A-Za-z0-9_-]{43}$/;
/** What `Authorization: Bearer` can carry: visible ASCII. */
const SENDABLE_PATTERN = /^[!-~]+$/;
const KEYS_IN_TEXT = /wharf_(ingest|read|admin)_[A-Za-z0-9_-]+/g;

/** What is stored of a secret: its hash (base64) and, to tell keys apart, their last four characters. */
export type KeySecret = { key: string; hash: string; last4: string };

export function createKey(scope: KeyScope): KeySecret {
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES))).toString("base64url");
  const key = `wharf_${scope}_${random}`;
  return { key, hash: hashOf(key), last4: key.slice(-4) };
}

/** Whether the text could be a key at all: what cannot is refused without asking the database. */
export function looksLikeKey(text: string): boolean {
  return KEY_PATTERN.test(text);
}

/** Whether a header can carry the text as a key. */
export function isSendableKey(text: string): boolean {
  return SENDABLE_PATTERN.test(text);
}

/** SHA-256 in base64. A key has 256 random bits, so a slow hash would protect nothing more and cost every request. */
export function hashOf(text: string): string {
  return Bun.SHA256.hash(text, "base64");
}

/** Text for a log, without keys, which a path may contain. */
export function withoutKeys(text: string): string {
  return text.includes("wharf_") ? text.replace(KEYS_IN_TEXT, "wharf_$1_[key]") : text;
}
