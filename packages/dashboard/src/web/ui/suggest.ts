import type { Suggestion } from "./search-box.tsx";

const SHOWN_MAX = 12;
const LAST_WORD = /(?:^|\s)(-?)((?:[a-z]+:"[^"]*|[^\s"]*))$/;

/** The values that are offered behind each word of a filter, such as `device`. */
export type FilterWords = Readonly<Record<string, readonly string[]>>;

/** Completions of the last word of a query: names of filters, or their values. */
export function suggestFilters(typed: string, words: FilterWords): Suggestion[] {
  const [, minus = "", last = ""] = LAST_WORD.exec(typed) ?? [];
  const before = typed.slice(0, typed.length - last.length);
  const colon = last.indexOf(":");
  const options =
    colon === -1
      ? optionsOf(words)
      : (words[last.slice(0, colon)] ?? []).map((value) => filterText(last.slice(0, colon), value));
  const wanted = last.toLowerCase().replaceAll('"', "");
  return options
    .filter((option) => {
      const plain = option.toLowerCase().replaceAll('"', "");
      return plain.startsWith(wanted) && plain !== wanted;
    })
    .slice(0, SHOWN_MAX)
    .map((option) => ({
      label: `${minus}${option}`,
      text: option.endsWith(":") ? before + option : `${before}${option} `,
    }));
}

function optionsOf(words: FilterWords): string[] {
  return Object.entries(words).map(([word, [first, ...others]]) =>
    first !== undefined && others.length === 0 ? filterText(word, first) : `${word}:`,
  );
}

/** A filter as the text of a query, such as `device:"build server"`. */
export function filterText(word: string, value: string): string {
  return /\s/.test(value) ? `${word}:"${value}"` : `${word}:${value}`;
}
