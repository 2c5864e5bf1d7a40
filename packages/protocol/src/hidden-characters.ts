/**
 * Characters that change the direction or the look of the text around them, that a terminal obeys, or that have no width; not tab and line
 * feed. As the content of a character class: pages show them by their numbers, and the command line replaces them.
 */
export const HIDDEN_CHARACTERS =
  "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb";

/** Such as U+202E. */
export function characterName(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
