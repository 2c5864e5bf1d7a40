import type { Redactor } from "@wharf/redaction";

const NEWLINE = 0x0a;
/** No shorter line holds a secret with the word that gives it away. */
const SECRET_BYTES_MIN = 8;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Lines with markers in place of secrets. A line without a secret keeps its bytes. Throws RedactionTimeError. */
export function redactLines(redactor: Redactor, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  let kept = 0;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    if (end - start >= SECRET_BYTES_MIN) {
      const text = decoder.decode(bytes.subarray(start, end));
      const redacted = redactor.line(text);
      if (redacted !== text) {
        pieces.push(bytes.subarray(kept, start), Buffer.from(redacted));
        kept = end;
      }
    }
    start = end + 1;
  }
  return kept === 0 ? bytes : new Uint8Array(Buffer.concat([...pieces, bytes.subarray(kept)]));
}

/** A file that is one text or one JSON value. */
export function redactWhole(redactor: Redactor, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = decoder.decode(bytes);
  const redacted = redactor.line(text);
  return redacted === text ? bytes : new Uint8Array(Buffer.from(redacted));
}
