/** Of one text in an event. An event may have 1 MiB. */
const TEXT_BYTES_MAX = 64 * 1024;

const decoder = new TextDecoder();

/** The text, cut to what an event holds of it. */
export function cutText(text: string, bytes_max = TEXT_BYTES_MAX): string {
  if (text.length * 3 <= bytes_max) return text;
  const bytes = Buffer.from(text.slice(0, bytes_max));
  if (bytes.length <= bytes_max && text.length <= bytes_max) return text;
  // A character that is cut in its middle is left out.
  return decoder.decode(bytes.subarray(0, bytes_max)).replace(/\uFFFD$/, "");
}
