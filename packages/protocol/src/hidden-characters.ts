/**
 * Characters that change the direction or the look of the text around them, that a terminal obeys, or that have no width; not tab and line
 * feed. As the content of a character class of a pattern with the flag `u`: pages show them by their numbers, and the command line replaces
 * them. The last range has the tags: invisible ASCII, which models read.
 */
export const HIDDEN_CHARACTERS =
  "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e007f}";

/** Such as U+202E. */
export function characterName(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
