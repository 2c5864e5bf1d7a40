const NEWLINE = 0x0a;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The lines as they are sent. A line that stays the same keeps its bytes. Throws what `convert` throws. */
export function mapLines(
  bytes: Uint8Array<ArrayBuffer>,
  convert: (line: string) => string,
): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  let kept = 0;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    if (end > start) {
      const text = decoder.decode(bytes.subarray(start, end));
      const converted = convert(text);
      if (converted !== text) {
        pieces.push(bytes.subarray(kept, start), Buffer.from(converted));
        kept = end;
      }
    }
    start = end + 1;
  }
  return kept === 0 ? bytes : new Uint8Array(Buffer.concat([...pieces, bytes.subarray(kept)]));
}

/** A file that is one text or one JSON value. */
export function mapWhole(
  bytes: Uint8Array<ArrayBuffer>,
  convert: (text: string) => string,
): Uint8Array<ArrayBuffer> {
  const text = decoder.decode(bytes);
  const converted = convert(text);
  return converted === text ? bytes : new Uint8Array(Buffer.from(converted));
}
