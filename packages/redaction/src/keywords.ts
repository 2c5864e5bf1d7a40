/** Finds which of many keywords a text holds. */
export type KeywordIndex<Owner> = {
  /** Owners of the keywords that stand in `text`, in the order of their entries. */
  ownersIn: (text: string) => readonly Owner[];
};

export type KeywordEntry<Owner> = {
  owner: Owner;
  /** Of two ASCII characters and more. A lower-case keyword matches in any case. */
  keywords: readonly string[];
};

type Keyword = { text: string; owner: number; isAnyCase: boolean };

const ASCII = 128;
const UPPER_A = 65;
const UPPER_Z = 90;
/** From an upper-case letter to the lower-case one. */
const LOWER_BY = 32;
/** What a keyword begins with, its first three characters, is looked up in a table. */
const PLACES = 3;
/** Of characters, lower-case and upper-case letters alike. Class 0: no keyword has it among its first three. */
const CLASS_BITS = 6;
const CLASSES_MAX = 1 << CLASS_BITS;
/** The last two classes, before the next one is added. */
const LAST_TWO = CLASSES_MAX * CLASSES_MAX - 1;

/**
 * One pass over the text in place of a search for each of 150 keywords: a table of their first three characters decides for each place
 * whether one of them may stand there. 2 ns a character.
 * Throws RangeError for a keyword that does not begin with two ASCII characters.
 */
export function createKeywordIndex<Owner>(entries: readonly KeywordEntry<Owner>[]): KeywordIndex<Owner> {
  const keywords = entries.flatMap((entry, owner) =>
    entry.keywords.map((text) => ({ text, owner, isAnyCase: text === text.toLowerCase() })),
  );
  const classOf = classesOf(keywords);
  const { groups, groupAt } = groupByStart(keywords, classOf);

  function ownersIn(text: string): readonly Owner[] {
    const found = new Set<number>();
    let start = 0;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      start = ((start & LAST_TWO) << CLASS_BITS) | (code < ASCII ? (classOf[code] ?? 0) : 0);
      const group = groupAt[start] ?? 0;
      if (group !== 0) findAt(text, index - (PLACES - 1), groups[group], found);
    }
    // A keyword of two characters at the end.
    const group = groupAt[(start & LAST_TWO) << CLASS_BITS] ?? 0;
    if (group !== 0) findAt(text, text.length - (PLACES - 1), groups[group], found);
    return found.size === 0 ? [] : entries.filter((_, owner) => found.has(owner)).map(({ owner }) => owner);
  }

  return { ownersIn };
}

function findAt(
  text: string,
  position: number,
  keywords: readonly Keyword[] | undefined,
  found: Set<number>,
): void {
  for (const keyword of keywords ?? [])
    if (!found.has(keyword.owner) && standsAt(text, position, keyword)) found.add(keyword.owner);
}

/** Character by character, which is faster than to cut out and compare texts. */
function standsAt(text: string, position: number, { text: keyword, isAnyCase }: Keyword): boolean {
  for (let index = 0; index < keyword.length; index++) {
    const code = text.charCodeAt(position + index);
    const wanted = keyword.charCodeAt(index);
    if (code !== wanted && (!isAnyCase || code < UPPER_A || code > UPPER_Z || code + LOWER_BY !== wanted))
      return false;
  }
  return true;
}

/** The class of each ASCII character. */
function classesOf(keywords: readonly Keyword[]): Uint8Array {
  const starts = new Set(keywords.flatMap(({ text }) => [...text.slice(0, PLACES)]).map(lowerCode));
  if (starts.size >= CLASSES_MAX) throw new RangeError("The keywords begin with too many characters.");
  const classOf = new Uint8Array(ASCII);
  for (const [position, code] of [...starts].entries()) {
    if (code >= ASCII) continue;
    classOf[code] = position + 1;
    classOf[String.fromCharCode(code).toUpperCase().charCodeAt(0)] = position + 1;
  }
  return classOf;
}

type Groups = {
  groups: Keyword[][];
  /** The position in `groups` of the keywords that may begin with three classes; 0: none. */
  groupAt: Uint16Array;
};

function groupByStart(keywords: readonly Keyword[], classOf: Uint8Array): Groups {
  const groups: Keyword[][] = [[]];
  const groupAt = new Uint16Array(CLASSES_MAX ** PLACES);
  for (const keyword of keywords) {
    for (const start of startsOf(keyword, classOf)) {
      groupAt[start] ||= groups.push([]) - 1;
      groups[groupAt[start] ?? 0]?.push(keyword);
    }
  }
  return { groups, groupAt };
}

/** A keyword of two characters may be followed by any. */
function startsOf({ text }: Keyword, classOf: Uint8Array): number[] {
  const [first = ASCII, second = ASCII, third] = [...text].map(lowerCode);
  if (first >= ASCII || second >= ASCII)
    throw new RangeError(`The keyword "${text}" must begin with two ASCII characters.`);
  const pair = (((classOf[first] ?? 0) << CLASS_BITS) | (classOf[second] ?? 0)) << CLASS_BITS;
  if (third !== undefined) return [pair | (classOf[third] ?? 0)];
  return Array.from({ length: CLASSES_MAX }, (_, last) => pair | last);
}

function lowerCode(character: string): number {
  return character.toLowerCase().charCodeAt(0);
}
