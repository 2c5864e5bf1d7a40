import { LRUCache } from "lru-cache";
import { stemmer } from "stemmer";

const REMEMBERED_STEMS = 20_000;
const remembered = new LRUCache<string, string>({ max: REMEMBERED_STEMS });
const STEMMED_WORD = /^[a-z]{3,30}$/;

/** Marks a stem: `~connect` is in the index for `connecting` and `connections`. No text has a lexeme that begins with it. */
export const STEM_MARK = "~";
/**
 * Marks the stem of a word in a text that people read or write: `^connect`. Most words of a hub are in tool output; the lists of these
 * lexemes are a twentieth as long.
 */
export const READ_MARK = "^";
/** Marks a lexeme by which documents are filtered, such as `@tool:bash`. No text has a lexeme that begins with it. */
const FILTER_MARK = "@";

/** The stem of an English word by Porter's rules; the word itself where it has no other. */
export function stemOf(word: string): string {
  if (!STEMMED_WORD.test(word)) return word;
  const known = remembered.get(word);
  if (known !== undefined) return known;
  const stem = stemmer(word);
  remembered.set(word, stem);
  return stem;
}

export type FilterName = "is" | "tool" | "model" | "agent" | "device" | "workspace" | "day" | "has";

export function filterLexeme(name: FilterName, value: string): string {
  return `${FILTER_MARK}${name}:${value}`;
}

/** In a tsvector or tsquery literal. */
export function quoted(lexeme: string): string {
  return `'${lexeme.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
