/** Finds which of many keywords a text holds. */
export type KeywordIndex<Owner> = {
  /** Owners of the keywords that stand in `text`, in the order of their entries. */
  ownersIn: (text: string) => Owner[];
};

export type KeywordEntry<Owner> = {
  owner: Owner;
  /** Beginning with two ASCII characters. A lower-case keyword matches in any case. */
  keywords: readonly string[];
};

type Keyword = { text: string; owner: number };
type Search = (text: string, found: Set<number>) => void;

const CODES = 128;

/**
 * One pass over the text for the keywords in any case and one for the others, in place of a search for each of 150 keywords.
 * Throws RangeError for a keyword that does not begin with two ASCII characters.
 */
export function createKeywordIndex<Owner>(entries: readonly KeywordEntry<Owner>[]): KeywordIndex<Owner> {
  const keywords = entries.flatMap((entry, owner) => entry.keywords.map((text) => ({ text, owner })));
  const isAnyCase = ({ text }: Keyword) => text === text.toLowerCase();
  const findAnyCase = createSearch(keywords.filter(isAnyCase));
  const findExact = createSearch(keywords.filter((keyword) => !isAnyCase(keyword)));
  return {
    ownersIn(text) {
      const found = new Set<number>();
      findAnyCase(text.toLowerCase(), found);
      findExact(text, found);
      return entries.filter((_, owner) => found.has(owner)).map(({ owner }) => owner);
    },
  };
}

/** A table of the keywords' first two characters decides by one look-up whether a keyword can start at a character. */
function createSearch(keywords: readonly Keyword[]): Search {
  const byStart = Map.groupBy(keywords, startOf);
  const isStart = new Uint8Array(CODES * CODES);
  for (const start of byStart.keys()) isStart[start] = 1;
  return (text, found) => {
    let before = CODES;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      const start = before * CODES + code;
      if (code < CODES && before < CODES && isStart[start] === 1) {
        for (const keyword of byStart.get(start) ?? []) {
          if (text.startsWith(keyword.text, index - 1)) found.add(keyword.owner);
        }
      }
      before = code;
    }
  };
}

function startOf({ text }: Keyword): number {
  const [first = CODES, second = CODES] = [...text].map((character) => character.charCodeAt(0));
  if (first >= CODES || second >= CODES)
    throw new RangeError(`The keyword "${text}" must begin with two ASCII characters.`);
  return first * CODES + second;
}
