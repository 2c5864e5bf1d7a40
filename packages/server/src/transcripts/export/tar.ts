/** A file of an archive. Its content has exactly `bytes` bytes. */
export type TarEntry = {
  path: string;
  bytes: number;
  modified_at: Date;
  content: AsyncIterable<Uint8Array<ArrayBuffer>>;
};

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;
const SIZE_BYTES = 12;
/** Eleven octal digits; a larger size stands in the extended header. */
const OCTAL_SIZE_MAX = 8 ** (SIZE_BYTES - 1) - 1;
const CHECKSUM_FROM = 148;
const CHECKSUM_BYTES = 8;
const FILE = "0";
const EXTENDED_HEADER = "x";

const encoder = new TextEncoder();

/**
 * The archive as POSIX.1-2001 (pax) has it, which every tar reads. Throws when a content has another length than its entry: the header with
 * its length has been sent already.
 */
export async function* writeTar(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const { path, bytes, modified_at, content } of entries) {
    yield headersOf(path, bytes, modified_at);
    let written = 0;
    for await (const part of content) {
      written += part.byteLength;
      if (written > bytes) break;
      if (part.byteLength > 0) yield part;
    }
    if (written !== bytes) throw new Error("A file of the archive changed its length while it was written.");
    yield padding(bytes);
  }
  yield new Uint8Array(2 * BLOCK_BYTES);
}

/** A header, with an extended one in front of it where the path or the size has no room in it. */
function headersOf(path: string, bytes: number, modifiedAt: Date): Uint8Array<ArrayBuffer> {
  const isLong = encoder.encode(path).byteLength > NAME_BYTES_MAX || !/^[\x20-\x7e]*$/.test(path);
  const isLarge = bytes > OCTAL_SIZE_MAX;
  const header = headerOf(isLong ? "file" : path, isLarge ? 0 : bytes, modifiedAt, FILE);
  if (!isLong && !isLarge) return header;
  const records = (isLong ? recordOf("path", path) : "") + (isLarge ? recordOf("size", String(bytes)) : "");
  const extended = encoder.encode(records);
  return joined([
    headerOf("extended", extended.byteLength, modifiedAt, EXTENDED_HEADER),
    extended,
    padding(extended.byteLength),
    header,
  ]);
}

/** `length name=value\n`, where the length counts itself. */
function recordOf(name: string, value: string): string {
  const rest = ` ${name}=${value}\n`;
  const restBytes = encoder.encode(rest).byteLength;
  let length = restBytes;
  while (length !== restBytes + String(length).length) length = restBytes + String(length).length;
  return `${length}${rest}`;
}

function headerOf(name: string, bytes: number, modifiedAt: Date, type: string): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(BLOCK_BYTES);
  const put = (text: string, from: number) => header.set(encoder.encode(text), from);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  put(name, 0);
  put(octal(0o644, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(bytes, SIZE_BYTES - 1), 124);
  put(octal(Math.max(0, Math.floor(modifiedAt.getTime() / 1000)), 11), 136);
  put(" ".repeat(CHECKSUM_BYTES), CHECKSUM_FROM);
  put(type, 156);
  put("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, CHECKSUM_FROM);
  return header;
}

function padding(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.byteLength;
  }
  return bytes;
}
