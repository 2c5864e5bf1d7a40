/** Finds which of many keywords a text holds. */
export type KeywordIndex<Owner> = {
  scan: (text: string) => Scan<Owner>;
};

export type Scan<Owner> = {
  /** Owners of the keywords that stand in the text, in the order of their entries. */
  owners: readonly Owner[];
  isAscii: boolean;
};

export type KeywordEntry<Owner> = {
  owner: Owner;
  /** Of three ASCII characters and more. A lower-case keyword matches in any case. */
  keywords: readonly string[];
  /** Sticky: a keyword counts only where this matches at its first character. */
  at?: RegExp | undefined;
};

/** A keyword of several owners is compared once. */
type Keyword = {
  text: string;
  owners: number[];
  isAnyCase: boolean;
  at: RegExp | undefined;
  /** Characters behind the first three. */
  rest: number;
  /** The last character, in lower case if it is a letter. */
  last: number;
};

const ASCII_MAX = 127;
const UPPER_A = 65;
const UPPER_Z = 90;
const LOWER_A = 97;
const LETTERS = 26;
/** From an upper-case letter to the lower-case one. */
const LOWER_BY = 32;
/** What a keyword begins with, its first three characters, is looked up in a table. */
const PLACES = 3;
/** Of characters: one for each letter in both cases, the others share the rest. Class 0: no keyword has it among its first three. */
const CLASS_BITS = 5;
const CLASSES = 1 << CLASS_BITS;
/** The last two classes, before the next one is added. */
const LAST_TWO = CLASSES * CLASSES - 1;
/** Of an entry of the table, which has to fit into the processor's nearest cache. */
const GROUPS_MAX = 255;

/**
 * One pass over the text in place of a search for each of 200 keywords: a table of their first three characters decides for each place
 * whether one of them may stand there.
 * Throws RangeError for a keyword that does not begin with three ASCII characters.
 */
export function createKeywordIndex<Owner>(entries: readonly KeywordEntry<Owner>[]): KeywordIndex<Owner> {
  const keywords = keywordsOf(entries);
  const classOf = classesOf(keywords);
  const { groups, groupAt } = groupByStart(keywords, classOf);

  function scan(text: string): Scan<Owner> {
    let found: Set<number> | undefined;
    const { length } = text;
    let start = 0;
    let seen = 0;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      seen |= code;
      start = ((start & LAST_TWO) << CLASS_BITS) | (classOf[code & ASCII_MAX] ?? 0);
      const group = groupAt[start] ?? 0;
      if (group === 0) continue;
      const candidates = groups[group] ?? [];
      for (let n = 0; n < candidates.length; n++) {
        const keyword = candidates[n];
        const end = index + (keyword?.rest ?? 0);
        // Most end here, without a call.
        if (end >= length || (text.charCodeAt(end) | LOWER_BY) !== keyword?.last) continue;
        if (!standsAt(text, index - (PLACES - 1), keyword)) continue;
        found ??= new Set();
        for (const owner of keyword.owners) found.add(owner);
      }
    }
    const isAscii = seen <= ASCII_MAX;
    if (found === undefined) return isAscii ? NOTHING_IN_ASCII : NOTHING;
    return { owners: entries.flatMap(({ owner }, index) => (found.has(index) ? [owner] : [])), isAscii };
  }

  return { scan };
}

function keywordsOf(entries: readonly KeywordEntry<unknown>[]): Keyword[] {
  const keywords: Keyword[] = [];
  const shared = new Map<string, Keyword>();
  for (const [owner, { keywords: texts, at }] of entries.entries())
    for (const text of texts) {
      const known = at === undefined ? shared.get(text) : undefined;
      const keyword = known ?? {
        ...{ text, owners: [], at },
        isAnyCase: text === text.toLowerCase(),
        rest: text.length - PLACES,
        last: text.charCodeAt(text.length - 1) | LOWER_BY,
      };
      keyword.owners.push(owner);
      if (known !== undefined) continue;
      keywords.push(keyword);
      if (at === undefined) shared.set(text, keyword);
    }
  return keywords;
}

const NOTHING = { owners: [], isAscii: false };
const NOTHING_IN_ASCII = { owners: [], isAscii: true };

/** Character by character, which is faster than to cut out and compare texts. */
function standsAt(text: string, position: number, { text: keyword, isAnyCase, at }: Keyword): boolean {
  for (let index = 0; index < keyword.length; index++) {
    const code = text.charCodeAt(position + index);
    const wanted = keyword.charCodeAt(index);
    if (code !== wanted && (!isAnyCase || code < UPPER_A || code > UPPER_Z || code + LOWER_BY !== wanted))
      return false;
  }
  if (at === undefined) return true;
  at.lastIndex = position;
  return at.test(text);
}

/** The class of each ASCII character that a keyword has among its first three. */
function classesOf(keywords: readonly Keyword[]): Uint8Array {
  const classOf = new Uint8Array(ASCII_MAX + 1);
  const others = new Set<number>();
  for (const code of keywords.flatMap(({ text }) => startOf(text))) {
    const letter = code - LOWER_A;
    if (letter < 0 || letter >= LETTERS) others.add(code);
    else {
      classOf[code] = letter + 1;
      classOf[code - LOWER_BY] = letter + 1;
    }
  }
  for (const [position, code] of [...others].entries())
    classOf[code] = LETTERS + 1 + (position % (CLASSES - LETTERS - 1));
  return classOf;
}

type Groups = {
  groups: Keyword[][];
  /** The position in `groups` of the keywords that may begin with three classes; 0: none. */
  groupAt: Uint8Array;
};

function groupByStart(keywords: readonly Keyword[], classOf: Uint8Array): Groups {
  const groups: Keyword[][] = [[]];
  const groupAt = new Uint8Array(CLASSES ** PLACES);
  for (const keyword of keywords) {
    const start = startOf(keyword.text).reduce(
      (before, code) => (before << CLASS_BITS) | (classOf[code] ?? 0),
      0,
    );
    const group = groupAt[start] || groups.push([]) - 1;
    if (group > GROUPS_MAX) throw new RangeError("The keywords have too many beginnings.");
    groupAt[start] = group;
    groups[group]?.push(keyword);
  }
  return { groups, groupAt };
}

/** The first characters, in lower case. */
function startOf(keyword: string): number[] {
  const codes = [...keyword.slice(0, PLACES)].map((character) => character.toLowerCase().charCodeAt(0));
  if (codes.length < PLACES || codes.some((code) => code > ASCII_MAX))
    throw new RangeError(`The keyword "${keyword}" must begin with three ASCII characters.`);
  return codes;
}
