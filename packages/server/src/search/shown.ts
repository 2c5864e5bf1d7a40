/** Of two among a few hundred sessions, the same key is as likely as a broken disk. */
const KEY_CHARACTERS = 8;

/** A short key by which a cursor names a session that was shown. */
export function shownKey(sessionId: string): string {
  return new Bun.CryptoHasher("sha256").update(sessionId).digest("base64url").slice(0, KEY_CHARACTERS);
}
