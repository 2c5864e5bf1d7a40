const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;

/** A ULID: 26 Crockford base32 characters; the first is 0-7, because the time is 48 bits. */
export const ULID_PATTERN = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** A new ULID. `timeMs` are milliseconds since 1970; the rest is random. */
export function createUlid(timeMs: number = Date.now()): string {
  return encodeTime(timeMs) + encodeRandom();
}

export function isUlid(text: string): boolean {
  return ULID_PATTERN.test(text);
}

function encodeTime(timeMs: number): string {
  let rest = timeMs;
  let text = "";
  for (let i = 0; i < TIME_LENGTH; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function encodeRandom(): string {
  let text = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH)))
    text += ALPHABET.charAt(byte & 31);
  return text;
}
