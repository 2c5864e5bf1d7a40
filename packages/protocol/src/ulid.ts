const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;
const RANDOM_BYTES = 10;

/** A ULID: 26 Crockford base32 characters; the first is 0-7, because the time is 48 bits. */
export const ULID_PATTERN = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** A new ULID. `timeMs` are milliseconds since 1970; the rest is random. */
export function createUlid(timeMs: number = Date.now()): string {
  return encodeTime(timeMs) + encodeRandom();
}

/** The ULID of a time and of 10 bytes, which take the place of the random part. */
export function ulidOf(timeMs: number, bytes: Uint8Array): string {
  if (bytes.length !== RANDOM_BYTES) throw new RangeError(`A ULID has ${RANDOM_BYTES} bytes after its time.`);
  let rest = bytes.reduce((number, byte) => number * 256n + BigInt(byte), 0n);
  let text = "";
  for (let i = 0; i < RANDOM_LENGTH; i++) {
    text = ALPHABET.charAt(Number(rest % 32n)) + text;
    rest /= 32n;
  }
  return encodeTime(timeMs) + text;
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
